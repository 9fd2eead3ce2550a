import type { ReactNode } from "react";

export interface Column<T> {
  title: string;
  cell: (row: T) => ReactNode;
  number?: boolean;
}

/** A plain table of rows. (The kit's own writes a style sheet without the page's nonce to measure scroll bars.) */
export function Grid<T>({ columns, rows, keyOf, none }: { columns: Column<T>[]; rows: T[]; keyOf: (row: T) => string | number; none?: string }) {
  return (
    // On a narrow screen it scrolls sideways, by keyboard too.
    <div className="grid-frame" tabIndex={0} role="group" aria-label={columns[0]?.title}>
      <table className="grid">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" data-number={column.number}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td key={column.title} data-number={column.number}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {rows.length === 0 && none && (
            <tr>
              <td colSpan={columns.length} className="quiet">
                {none}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
