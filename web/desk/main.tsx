import { createRoot } from "react-dom/client";
import "../shared/tokens.css";
import "./desk.css";
import "./talk.css";
import "./panels.css";
import "./pages.css";
import { Desk } from "./Desk";

createRoot(document.getElementById("root") as HTMLElement).render(<Desk />);
