import { pickLanguage } from "../shared/language";
import "../shared/tokens.css";
import { wish } from "./focus";
import { Host } from "./host";
import { Talk } from "./talk";
import "./widget.css";

const told = new URLSearchParams(window.location.hash.slice(1));
const theme = told.get("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

let talk: Talk;
let open = window.parent === window;
// Seen: the panel is open and the page is in front.
const tellVisible = () => talk.visible(open && document.visibilityState === "visible");

const host = new Host({
  token: (token) => void talk.hostSigned(token),
  visible: (now, focus) => {
    open = now;
    if (now && talk.state.phase === "idle") void talk.start();
    tellVisible();
    if (focus) wish();
  },
  language: (language) => talk.speak(language, false),
  say: (text) => talk.say(text),
  restart: () => talk.restart(),
});
talk = new Talk((asked) => host.token(asked), pickLanguage(told.get("language"), navigator.language));

let unread = -1;
let language = "";
talk.subscribe(() => {
  const { state } = talk;
  if (state.unread !== unread) host.unread((unread = state.unread));
  if (state.language !== language) host.language((language = state.language) as typeof state.language);
});

document.addEventListener("visibilitychange", tellVisible);
window.addEventListener("online", () => talk.wake());
window.addEventListener("pagehide", () => talk.dispose());
window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());

// The secure pages that this conversation opened ask for its bearer; nobody else gets it.
const pages = new Set<Window>();
window.addEventListener("message", (event) => {
  const page = event.source as Window | null;
  if (!page || !pages.has(page) || event.origin !== window.location.origin) return;
  const { type } = (event.data ?? {}) as { type?: unknown };
  const token = talk.bearer();
  if (type === "jiebang:secure-ready" && token) page.postMessage({ type: "jiebang:customer-token", token }, window.location.origin);
  if (type === "jiebang:secure-done") window.dispatchEvent(new Event("jiebang:secure-done"));
});

function openSecure(url: string): boolean {
  // Only pages of ours: a button never leads a customer elsewhere with an opener.
  const target = new URL(url, window.location.origin);
  if (target.origin !== window.location.origin || !target.pathname.startsWith("/secure/")) return false;
  target.searchParams.set("lang", talk.state.language);
  const page = window.open(target.href, "_blank");
  if (page) pages.add(page);
  return page !== null;
}

// The talk begins while the views are still on their way.
void import("./view").then(({ draw }) => draw(talk, host.embedded ? () => host.close() : null, openSecure));
host.ready();
// A talk that goes on behind the closed button is taken up at once, so that it can ring; a new one waits to be opened.
if (!host.embedded || sessionStorageHas()) void talk.start();

function sessionStorageHas(): boolean {
  try {
    return sessionStorage.getItem("jiebang:conversation") !== null;
  } catch {
    return false;
  }
}
