import { useWords } from "../words";

/** The product's mark and name; a link that comes apart. */
export function Logo({ small = false }: { small?: boolean }) {
  const words = useWords();
  return (
    <span className="logo" data-small={small || undefined}>
      <img src="/favicon.svg" alt="" width={small ? 32 : 28} height={small ? 32 : 28} />
      {!small && (
        <span>
          {words.brand} <b>{words.desk}</b>
        </span>
      )}
    </span>
  );
}
