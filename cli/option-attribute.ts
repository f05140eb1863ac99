/** The attribute that commander gives an option's value, by the option's long name: `--max-hops` is `maxHops`. */
export function attributeOf(long: string): string {
  return long.replace(/^--/, "").replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
