import { describe, expect, it } from "vitest";
import { onWish, taken, wish } from "./focus";

describe("focus", () => {
  it("is given to a field that comes later than the wish, once", () => {
    const given: string[] = [];
    wish();
    const gone = onWish(() => taken() && given.push("first"));
    expect(given).toEqual(["first"]);
    onWish(() => taken() && given.push("second"));
    expect(given).toEqual(["first"]);
    gone();
    wish();
    expect(given).toEqual(["first", "second"]);
  });
});
