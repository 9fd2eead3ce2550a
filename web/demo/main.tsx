import { createRoot } from "react-dom/client";
import "../shared/tokens.css";
import { HTML_LANG } from "../shared/language";
import { App, kept } from "./App";
import "./demo.css";

// Before the loader reads it: its language is the page's.
document.documentElement.lang = HTML_LANG[kept().language];
createRoot(document.getElementById("root") as HTMLElement).render(<App />);
