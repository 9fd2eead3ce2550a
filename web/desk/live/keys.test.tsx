// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, describe, expect, it } from "vitest";
import { useKeys } from "./keys";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

let unmount = () => {};
afterEach(() => unmount());

function Keys({ heard, name, everywhere }: { heard: string[]; name: string; everywhere?: boolean }) {
  useKeys({ "1": () => heard.push(name), x: () => heard.push(name + " x") }, everywhere);
  return null;
}

const press = (key: string) => act(() => void document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })));

describe("keys", () => {
  it("leaves a key to the page that has one of its own, whoever came first", () => {
    const heard: string[] = [];
    const root = createRoot(document.body.appendChild(document.createElement("div")));
    unmount = () => act(() => root.unmount());
    act(() => root.render(<Keys heard={heard} name="frame" everywhere />));
    press("1");
    act(() => root.render([<Keys key="frame" heard={heard} name="frame" everywhere />, <Keys key="page" heard={heard} name="page" />]));
    press("1");
    expect(heard).toEqual(["frame", "page"]);
  });

  it("rests while somebody types", () => {
    const heard: string[] = [];
    const box = document.body.appendChild(document.createElement("div"));
    const root = createRoot(box);
    unmount = () => act(() => root.unmount());
    act(() => root.render([<Keys key="k" heard={heard} name="page" />, <input key="i" />]));
    act(() => void box.querySelector("input")?.dispatchEvent(new KeyboardEvent("keydown", { key: "x", bubbles: true })));
    expect(heard).toEqual([]);
  });
});
