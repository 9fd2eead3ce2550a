export interface ServerEvent {
  event: string;
  id?: string;
  data: string;
}

/** Cuts a stream of Server-Sent Events into events, wherever the network cut it. */
export class EventCutter {
  private rest = "";

  /** Takes what came and returns the events that are whole now. */
  push(chunk: string): ServerEvent[] {
    this.rest += chunk;
    const found: ServerEvent[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.rest);
      if (!end) return found;
      const block = this.rest.slice(0, end.index);
      this.rest = this.rest.slice(end.index + end[0].length);
      const event: ServerEvent = { event: "message", data: "" };
      const data: string[] = [];
      for (const line of block.split(/\r?\n/)) {
        if (line.startsWith(":")) continue;
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") event.event = value;
        else if (field === "id") event.id = value;
        else if (field === "data") data.push(value);
      }
      event.data = data.join("\n");
      if (data.length) found.push(event);
    }
  }
}
