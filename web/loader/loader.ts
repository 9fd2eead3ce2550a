/**
 * Puts the assistant on any page: <script src="https://…/widget.js" data-token-url="/my/token" data-language="auto" async></script>.
 *
 * `data-token-url`: answers `{"token": "<customer JWT>"}` for a signed-in customer (GET, with the page's cookies), 401/403/404/204 for nobody.
 * `data-language`: `zh`, `en` or `auto` (the page's `<html lang>`, then the browser's). `data-open`: opens at once on wide screens.
 * `data-theme`: `light`, `dark` or `auto`. Everything is drawn in a shadow root and an iframe on our own origin: the page's
 * styles and scripts do not reach in, and nothing of ours reaches out but the messages below.
 */
type Tokens = (asked: boolean) => Promise<string | null> | string | null;

interface Jiebang {
  open(): void;
  close(): void;
  say(text: string): void;
  setLanguage(language: string): void;
  /** Tells that the customer signed in or out. */
  signedIn(token: string | null): void;
  restart(): void;
  /** Instead of `data-token-url`; `asked`: the customer pressed "sign in", so a sign-in may be shown. */
  getToken?: Tokens;
}

(() => {
  const script = document.currentScript as HTMLScriptElement | null;
  const page = window as unknown as { Jiebang?: Partial<Jiebang> };
  if (!script || page.Jiebang?.open) return;
  const ours = new URL(script.src).origin;
  const set = script.dataset;
  const words = {
    zh: { open: "打开在线客服", unread: (n: number) => `打开在线客服，${n} 条新消息`, frame: "在线客服", hint: "在线客服", away: "在线客服暂时打不开，请稍后再试。", again: "重试", close: "收起" },
    en: { open: "Open customer support", unread: (n: number) => `Open customer support, ${n} new ${n === 1 ? "message" : "messages"}`, frame: "Customer support", hint: "Support", away: "The chat can't be opened right now. Please try again in a moment.", again: "Try again", close: "Close" },
  };
  type Name = keyof typeof words;

  const pick = (wish?: string): Name => {
    const tag = (wish && wish !== "auto" ? wish : document.documentElement.lang || navigator.language || "").toLowerCase();
    return tag.slice(0, 2) === "zh" ? "zh" : "en";
  };
  let language = pick(set.language);
  let frame: HTMLIFrameElement | null = null;
  let ready = false;
  let shown = false;
  let wanted = false;
  let unread = 0;
  let patience: ReturnType<typeof setTimeout> | undefined;
  const later: Record<string, unknown>[] = [];
  const KEY = "jiebang:widget";
  const PATIENCE_MS = 10_000;

  const remembered = (): string | null => {
    try {
      return sessionStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const remember = (value: string) => {
    try {
      sessionStorage.setItem(KEY, value);
    } catch {
      /* then the next page begins closed */
    }
  };

  const host = document.createElement("div");
  host.id = "jiebang-widget";
  const root = host.attachShadow({ mode: "open" });
  // A constructed sheet needs no 'unsafe-inline' from the page's CSP.
  const css = `
:host{all:initial!important;direction:ltr!important}
.b{position:fixed;right:max(20px,env(safe-area-inset-right));bottom:max(20px,env(safe-area-inset-bottom));z-index:2147483000;display:flex;align-items:center;gap:8px;height:56px;padding:0 20px 0 16px;border:0;border-radius:28px;
background:linear-gradient(135deg,#e8362d,#b9121b);color:#fff;font:600 16px/1 system-ui,-apple-system,"PingFang SC","Noto Sans SC",sans-serif;cursor:pointer;box-shadow:0 10px 30px rgba(185,18,27,.35),0 2px 6px rgba(0,0,0,.16);transition:transform .18s,opacity .18s}
.b:hover{transform:translateY(-2px)}
.b:focus-visible{outline:3px solid #fff;outline-offset:-5px;box-shadow:0 0 0 3px #b9121b}
.b svg{width:26px;height:26px;flex:none}
.n{position:absolute;top:-6px;right:-4px;min-width:22px;height:22px;padding:0 6px;box-sizing:border-box;border-radius:11px;background:#1d2129;color:#fff;font-size:12px;line-height:22px;text-align:center;border:0}
.n[hidden]{display:none}
.p{position:fixed;right:max(20px,env(safe-area-inset-right));bottom:max(20px,env(safe-area-inset-bottom));z-index:2147483001;width:400px;max-width:calc(100vw - 24px);height:min(760px,calc(100vh - 40px));height:min(760px,calc(100dvh - 40px));border-radius:18px;overflow:hidden;
box-shadow:0 0 0 1px rgba(128,134,150,.24),0 24px 64px rgba(17,24,39,.28),0 2px 10px rgba(17,24,39,.12);background:#f5f6f8;transform-origin:100% 100%;transition:transform .2s cubic-bezier(.2,.8,.2,1),opacity .2s}
.p iframe{display:block;width:100%;height:100%;border:0;color-scheme:normal}
.a{position:absolute;inset:0;display:grid;align-content:center;justify-items:center;gap:12px;padding:24px;background:inherit;color:#1b1f2a;font:16px/1.5 system-ui,-apple-system,"PingFang SC","Noto Sans SC",sans-serif;text-align:center}
.a[hidden]{display:none}
.a p{margin:0 0 6px}
.a button{min-width:140px;min-height:44px;padding:0 20px;border:1px solid #868d9c;border-radius:22px;background:none;color:inherit;font:inherit;font-weight:600;cursor:pointer}
.a button:focus-visible{outline:2px solid #1e5fbf;outline-offset:2px}
.off{visibility:hidden;opacity:0;transform:scale(.94) translateY(12px);transition:transform .2s,opacity .2s,visibility 0s .2s}
.b.off{transform:scale(.7)}
@media(prefers-color-scheme:dark){.p{background:#101218}.a{color:#eef0f5}.a button:focus-visible{outline-color:#8ab8ff}}
@media(max-width:520px),(max-height:420px){.p{inset:0;width:100%;max-width:none;height:100%;border-radius:0}.b span.t{display:none}.b{padding:0 15px}}
@media(prefers-reduced-motion:reduce){.b,.p,.off{transition:none}}
@media(forced-colors:active){.b{border:2px solid}}
@media print{.b,.p{display:none}}`;
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const style = document.createElement("style");
    style.textContent = css;
    root.append(style);
  }

  const button = document.createElement("button");
  button.type = "button";
  button.className = "b";
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M12 3c5 0 9 3.4 9 7.7s-4 7.7-9 7.7c-.9 0-1.800-.1-2.600-.3L5 20.500l.7-3.700C4.100 15.400 3 13.200 3 10.700 3 6.400 7 3 12 3Zm-4 6.600a1.300 1.300 0 1 0 0 2.600 1.300 1.300 0 0 0 0-2.600Zm4 0a1.300 1.300 0 1 0 0 2.600 1.300 1.300 0 0 0 0-2.600Zm4 0a1.300 1.300 0 1 0 0 2.600 1.300 1.300 0 0 0 0-2.600Z");
  path.setAttribute("fill", "currentColor");
  icon.append(path);
  const hint = document.createElement("span");
  hint.className = "t";
  const badge = document.createElement("span");
  badge.className = "n";
  badge.hidden = true;
  button.append(icon, hint, badge);
  const panel = document.createElement("div");
  panel.className = "p off";
  panel.setAttribute("role", "dialog");
  // The chat's own page has the buttons to close it; where that page does not come, these stand in.
  const away = document.createElement("div");
  away.className = "a";
  away.hidden = true;
  away.setAttribute("role", "alert");
  const [says, again, shut] = [document.createElement("p"), document.createElement("button"), document.createElement("button")];
  again.type = shut.type = "button";
  away.append(says, again, shut);
  panel.append(away);
  root.append(button, panel);

  const label = () => {
    button.setAttribute("aria-label", unread ? words[language].unread(unread) : words[language].open);
    button.setAttribute("aria-expanded", String(shown));
    button.lang = panel.lang = language === "zh" ? "zh-CN" : "en";
    hint.textContent = words[language].hint;
    panel.setAttribute("aria-label", words[language].frame);
    says.textContent = words[language].away;
    again.textContent = words[language].again;
    shut.textContent = words[language].close;
    if (frame) frame.title = words[language].frame;
    badge.textContent = unread > 99 ? "99+" : String(unread);
    badge.hidden = unread === 0;
  };

  const post = (message: Record<string, unknown>) => {
    if (ready && frame?.contentWindow) frame.contentWindow.postMessage(message, ours);
    else later.push(message);
  };

  const load = () => {
    if (frame) return;
    frame = document.createElement("iframe");
    frame.title = words[language].frame;
    frame.allow = "clipboard-write; clipboard-read";
    const told = new URLSearchParams({ host: location.origin, language, theme: set.theme || "auto" });
    frame.src = `${ours}/widget/#${told}`;
    panel.prepend(frame);
    clearTimeout(patience);
    patience = setTimeout(() => {
      away.hidden = ready;
      if (shown && wanted && !ready) again.focus();
    }, PATIENCE_MS);
  };

  const show = (open: boolean, moveFocus = true) => {
    if (open) load();
    if (shown === open) return;
    shown = open;
    wanted = open && moveFocus;
    remember(open ? "open" : "closed");
    panel.classList.toggle("off", !open);
    button.classList.toggle("off", open);
    if (open) unread = 0;
    label();
    if (ready) post({ type: "jiebang:visible", open, focus: wanted });
    if (open && moveFocus) frame?.focus();
    if (!open && moveFocus) button.focus();
  };

  /** The page's own function, or its address, or nobody. */
  const token = async (asked: boolean): Promise<string | null> => {
    const own = page.Jiebang?.getToken;
    if (own) return own(asked);
    if (!set.tokenUrl) return null;
    const answer = await fetch(new URL(set.tokenUrl, location.href).href, { credentials: "include", headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok || answer.status === 204) return null;
    const found = (await answer.json()) as { token?: unknown };
    return typeof found.token === "string" ? found.token : null;
  };

  window.addEventListener("message", async (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== ours) return;
    const data = event.data as { type?: string; id?: string; asked?: boolean; count?: number; language?: string } | null;
    if (data?.type === "jiebang:ready") {
      ready = true;
      away.hidden = true;
      post({ type: "jiebang:visible", open: shown, focus: wanted });
      for (const message of later.splice(0)) post(message);
    } else if (data?.type === "jiebang:need-token") {
      if (data.asked) window.dispatchEvent(new CustomEvent("jiebang:sign-in"));
      const found = await token(data.asked === true).catch(() => null);
      post({ type: "jiebang:token", id: data.id, token: found });
    } else if (data?.type === "jiebang:unread") {
      unread = shown ? 0 : Number(data.count) || 0;
      label();
    } else if (data?.type === "jiebang:language" && (data.language === "zh" || data.language === "en")) {
      language = data.language;
      label();
    } else if (data?.type === "jiebang:close") show(false);
  });

  button.addEventListener("click", () => show(true));
  shut.addEventListener("click", () => show(false));
  again.addEventListener("click", () => {
    away.hidden = true;
    frame?.remove();
    frame = null;
    load();
  });
  panel.addEventListener("keydown", (event) => event.key === "Escape" && show(false));
  label();

  page.Jiebang = {
    ...page.Jiebang,
    open: () => show(true),
    close: () => show(false),
    say: (text) => {
      show(true);
      post({ type: "jiebang:say", text: String(text) });
    },
    setLanguage: (wish) => {
      language = pick(wish);
      label();
      if (frame) post({ type: "jiebang:language", language });
    },
    signedIn: (given) => frame && post({ type: "jiebang:token", token: given }),
    restart: () => frame && post({ type: "jiebang:restart" }),
  };

  const begin = () => {
    document.body.append(host);
    const before = remembered();
    const wide = matchMedia("(min-width: 900px)").matches;
    if (before === "open" || (before === null && set.open !== undefined && wide)) show(true, false);
    else if (before) load(); // a talk that goes on behind the button can still ring
  };
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
