/** The customer opened the chat and wants to type: kept until there is a field that can take the focus. */
let wished = false;
const listeners = new Set<() => void>();

export function wish(): void {
  wished = true;
  for (const listener of listeners) listener();
}

/** Tells whether somebody waits for the field, once. */
export function taken(): boolean {
  const was = wished;
  wished = false;
  return was;
}

export function onWish(listener: () => void): () => void {
  listeners.add(listener);
  listener();
  return () => void listeners.delete(listener);
}
