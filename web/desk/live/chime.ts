let context: AudioContext | null = null;

/** Two soft notes, higher and twice when it is urgent. Silent where the browser plays nothing before the first click. */
export function chime(urgent: boolean): void {
  try {
    context ??= new AudioContext();
    if (context.state === "suspended") void context.resume().catch(() => null);
    const { currentTime, destination } = context;
    const notes = urgent ? [880, 1175, 880, 1175] : [660, 880];
    notes.forEach((pitch, at) => {
      const from = currentTime + at * 0.16;
      const tone = new OscillatorNode(context as AudioContext, { frequency: pitch });
      const level = new GainNode(context as AudioContext, { gain: 0 });
      level.gain.setValueAtTime(0, from);
      level.gain.linearRampToValueAtTime(0.12, from + 0.02);
      level.gain.exponentialRampToValueAtTime(0.001, from + 0.15);
      tone.connect(level).connect(destination);
      tone.start(from);
      tone.stop(from + 0.16);
    });
  } catch {
    /* no sound here: what is shown tells it too */
  }
}
