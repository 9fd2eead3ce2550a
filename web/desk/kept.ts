/** Small choices of this browser: language, look. Nothing of a customer is ever kept here. */
export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`jiebang:desk:${name}`, value);
  } catch {
    /* private mode: the choice lasts as long as the page */
  }
}

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(`jiebang:desk:${name}`);
  } catch {
    return null;
  }
}
