import { createRoot } from "react-dom/client";
import { App } from "./App";
import type { Talk } from "./talk";

/** Draws the talk into the page. A module of its own, so that the talk need not wait for it. */
export function draw(talk: Talk, close: (() => void) | null, openSecure: (url: string) => boolean): void {
  createRoot(document.getElementById("root") as HTMLElement).render(<App talk={talk} close={close} openSecure={openSecure} />);
}
