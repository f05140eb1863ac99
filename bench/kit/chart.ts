/** A bar chart on a logarithmic scale, as SVG: groups of bars, each with its name and number written out. */
export interface BarGroup {
  readonly title: string;
  readonly bars: readonly { readonly name: string; readonly value: number; readonly own: boolean }[];
}

const WIDTH = 760;
const LABELS = 250;
const NUMBERS = 90;
const BAR = 14;
const GAP = 5;
const HEAD = 26;

/** `unit` is written behind each number. Values are above 0. */
export function barChart(title: string, unit: string, groups: readonly BarGroup[]): string {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value));
  const least = Math.log10(Math.min(...values)) - 0.3;
  const greatest = Math.log10(Math.max(...values));
  const scale = (value: number): number =>
    ((Math.log10(value) - least) / Math.max(0.1, greatest - least)) * (WIDTH - LABELS - NUMBERS);
  const parts: string[] = [];
  let y = 34;
  for (const group of groups) {
    parts.push(`<text class="head" x="0" y="${y}">${escaped(group.title)}</text>`);
    y += HEAD - 10;
    for (const { name, value, own } of group.bars) {
      const width = Math.max(2, scale(value)).toFixed(1);
      const middle = y + BAR - 3;
      parts.push(
        `<text class="name" x="${LABELS - 8}" y="${middle}">${escaped(name)}</text>`,
        `<rect class="${own ? "own" : "peer"}" x="${LABELS}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
        `<text x="${LABELS + Number(width) + 6}" y="${middle}">${escaped(shown(value))} ${escaped(unit)}</text>`,
      );
      y += BAR + GAP;
    }
    y += HEAD - 4;
  }
  const height = y - 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.head { font-weight: 600 } .name { text-anchor: end }
.own { fill: #1f7a4d } .peer { fill: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #b1bac4 } .own { fill: #3fb27f } .peer { fill: #6e7681 } }
</style>
<text class="head" x="0" y="14">${escaped(title)}</text>
${parts.join("\n")}
</svg>
`;
}

function shown(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
