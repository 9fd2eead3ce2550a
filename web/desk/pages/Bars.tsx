/** A short ranking: names, figures, bars. */
export function Bars({ rows }: { rows: { name: string; value: number }[] }) {
  const most = Math.max(1, ...rows.map((row) => row.value));
  return (
    <ol className="bars">
      {rows.map((row) => (
        <li key={row.name}>
          <span>{row.name}</span>
          <b>{row.value}</b>
          <span className="bars-bar" aria-hidden="true">
            <i style={{ width: `${(row.value / most) * 100}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}
