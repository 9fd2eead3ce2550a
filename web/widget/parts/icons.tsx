const paths = {
  close: "M6 9l6 6 6-6",
  send: "M12 19V6m0 0l-6 6m6-6l6 6",
  copy: "M9 9V5.500A1.500 1.500 0 0 1 10.500 4h8A1.500 1.500 0 0 1 20 5.500v8a1.500 1.500 0 0 1-1.500 1.500H15M5.500 9h8A1.500 1.500 0 0 1 15 10.500v8a1.500 1.500 0 0 1-1.500 1.500h-8A1.500 1.500 0 0 1 4 18.500v-8A1.500 1.500 0 0 1 5.500 9Z",
  check: "M5 12.500l4.500 4.500L19 7.500",
  cross: "M7 7l10 10M17 7L7 17",
  alert: "M12 8v5m0 3.500v.01M12 3.500l9.500 16.500h-19L12 3.500Z",
  lock: "M7 11V8a5 5 0 0 1 10 0v3m-11 0h12a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1Z",
  clock: "M12 7v5l3.500 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  down: "M12 5v13m0 0l-6-6m6 6l6-6",
  refresh: "M20 11A8 8 0 0 0 5.600 6.500L4 8m0-4v4h4m-4 5a8 8 0 0 0 14.400 4.500L20 16m0 4v-4h-4",
  card: "M3.500 8.500h17M5 5.500h14a1.500 1.500 0 0 1 1.500 1.500v10a1.500 1.500 0 0 1-1.500 1.500H5A1.500 1.500 0 0 1 3.500 17V7A1.500 1.500 0 0 1 5 5.500Zm2 9h4",
  wallet: "M4 8.500V18a1.500 1.500 0 0 0 1.500 1.500h13A1.500 1.500 0 0 0 20 18v-8a1.500 1.500 0 0 0-1.500-1.500H4Zm0 0A2 2 0 0 1 5.500 5l10-1.500v5M16 14v.01",
  keyboard: "M4 7.500h16v9H4v-9Zm3 3v.01m3-.01v.01m3-.01v.01m4-.01v.01M8 14h8",
  link: "M14 5h5v5m0-5l-8 8M18 14v4a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h4",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="none" stroke="currentColor" strokeWidth="1.800" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

/** The assistant's mark: two links of a chain that come apart. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <path d="M27 39l-4 4a7 7 0 0 1-10-10l7-7a7 7 0 0 1 10 0M37 25l4-4a7 7 0 0 1 10 10l-7 7a7 7 0 0 1-10 0" fill="none" stroke="currentColor" strokeWidth="5" strokeLinecap="round" />
      <path d="M25 20l-2-6M44 50l-2-6" fill="none" stroke="currentColor" strokeOpacity=".6" strokeWidth="4" strokeLinecap="round" />
    </svg>
  );
}

export function Star({ full }: { full: boolean }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M12 3.500l2.600 5.400 5.900.8-4.300 4.100 1 5.900L12 16.900l-5.200 2.800 1-5.900L3.500 9.700l5.900-.8L12 3.500Z" fill={full ? "currentColor" : "none"} stroke="currentColor" strokeWidth="1.600" strokeLinejoin="round" />
    </svg>
  );
}
