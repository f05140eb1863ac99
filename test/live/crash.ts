/** Preloaded into the sources' own executable: something fails outside of every await, while the screen is shown. */
const AFTER_MS = 4000;

setTimeout(() => {
  throw new Error("a crash for a test");
}, AFTER_MS);
