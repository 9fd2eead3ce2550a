import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Base } from "../api";

/** Reads again what an outcome changes (what the customer has, the operation, the help) when a new line tells of one. `line`: its id, empty while there is none. */
export function useOutcome(base: Base, line: string | undefined): void {
  const client = useQueryClient();
  const { kind, id } = base;
  const seen = useRef({ id, line });
  useEffect(() => {
    if (seen.current.id === id && seen.current.line !== undefined && seen.current.line !== line)
      for (const name of ["customer", "operation", "assist"]) void client.invalidateQueries({ queryKey: [name, kind, id] });
    seen.current = { id, line };
  }, [line, client, kind, id]);
}
