import { createContext, useContext } from "react";
import type { Me } from "./types";

/** Who is signed in; the pages inside the shell always have somebody. */
export const MeContext = createContext<Me["agent"] | null>(null);

export function useMe(): Me["agent"] & { supervisor: boolean } {
  const me = useContext(MeContext);
  if (!me) throw new Error("nobody is signed in");
  return { ...me, supervisor: me.role === "supervisor" };
}
