// Figures as a drawing for a README: panels one below the other, of lines over numbers or of bars over words. Pure, and the
// same figures give the same bytes. Ours because what npm has for it draws in a browser, or weighs more than this repository.

/** What one thing did, the same colour in all panels; the legend has each name once. */
export interface Series {
  readonly name: string;
}

export interface Line extends Series {
  /** In the order of x. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Bars extends Series {
  /** One for each group. */
  readonly values: readonly number[];
}

export type Panel = {
  /** What is measured, with its unit: `upstream requests per call`. */
  readonly title: string;
} & (
  | { readonly x: string; readonly lines: readonly Line[] }
  | { readonly groups: readonly string[]; readonly bars: readonly Bars[] }
);

const width = 720;
const panelHeight = 210;
const left = 64;
const right = 16;
const plotTop = 34;
const plotHeight = 130;
const plotWidth = width - left - right;
const legendHeight = 44;
const charWidth = 6.6; // of 12 px sans-serif, for laying out the legend

/** Told apart by those who see colours differently, too (Okabe and Ito). */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/** An SVG document of 720 px width. All y axes begin at 0. @param title stands above the legend */
export function plot(title: string, panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap((panel) => seriesOf(panel).map(({ name }) => name)))];
  const colour = (name: string): string => colours[names.indexOf(name) % colours.length] ?? "";
  const height = legendHeight + panels.length * panelHeight;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(title, { x: left, y: 18, more: 'font-weight="bold" font-size="14"' }),
    ...legend(names, colour),
    ...panels.flatMap((panel, i) => [
      `<g transform="translate(0 ${legendHeight + i * panelHeight})">`,
      ...draw(panel, colour),
      "</g>",
    ]),
    "</svg>",
  ].join("\n")}\n`;
}

function seriesOf(panel: Panel): readonly Series[] {
  return "lines" in panel ? panel.lines : panel.bars;
}

function legend(names: readonly string[], colour: (name: string) => string): readonly string[] {
  let x = left;
  return names.flatMap((name) => {
    const at = x;
    x += 34 + name.length * charWidth;
    return [
      `<rect x="${round(at)}" y="28" width="12" height="10" fill="${colour(name)}"/>`,
      text(name, { x: at + 17, y: 37 }),
    ];
  });
}

function draw(panel: Panel, colour: (name: string) => string): readonly string[] {
  const values =
    "lines" in panel ? panel.lines.flatMap(({ points }) => points.map(([, y]) => y)) : allValues(panel.bars);
  const yTicks = ticks(Math.max(...values));
  const yMax = yTicks.at(-1) ?? 1;
  const toY = (value: number): number => plotTop + plotHeight * (1 - value / yMax);
  const grid = yTicks.flatMap((tick) => [
    `<path d="M${left} ${round(toY(tick))}h${plotWidth}" stroke="${tick === 0 ? "#222" : "#ddd"}"/>`,
    text(tick, { x: left - 6, y: toY(tick) + 4, more: 'text-anchor="end"' }),
  ]);
  const title = text(panel.title, { x: left, y: plotTop - 12 });
  return [title, ...grid, ...("lines" in panel ? drawLines(panel, toY, colour) : drawBars(panel, toY, colour))];
}

function drawLines(
  { x, lines }: Extract<Panel, { lines: unknown }>,
  toY: (value: number) => number,
  colour: (name: string) => string,
): readonly string[] {
  const xs = lines.flatMap(({ points }) => points.map(([at]) => at));
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const toX = (value: number): number => left + (plotWidth * (value - first)) / (last - first || 1);
  const marks = ticks(last - first, 10)
    .map((tick) => first + tick)
    .filter((tick) => tick <= last);
  return [
    ...marks.map((tick) => belowAxis(tick, toX(tick), 16)),
    belowAxis(x, left + plotWidth / 2, 32),
    ...lines.map(({ name, points }) => {
      const path = points.map(([at, value]) => `${round(toX(at))} ${round(toY(value))}`).join("L");
      return `<path d="M${path}" fill="none" stroke="${colour(name)}" stroke-width="2" stroke-linejoin="round"/>`;
    }),
  ];
}

function drawBars(
  { groups, bars }: Extract<Panel, { bars: unknown }>,
  toY: (value: number) => number,
  colour: (name: string) => string,
): readonly string[] {
  const groupWidth = plotWidth / groups.length;
  const barWidth = (groupWidth * 0.8) / bars.length;
  return groups.flatMap((group, g) => [
    belowAxis(group, left + groupWidth * (g + 0.5), 16),
    ...bars.flatMap(({ name, values }, b) => {
      const value = values[g] ?? 0;
      const x = left + groupWidth * (g + 0.1) + barWidth * b;
      const height = toY(0) - toY(value);
      return [
        `<rect x="${round(x)}" y="${round(toY(value))}" width="${round(barWidth - 2)}" height="${round(height)}" fill="${colour(name)}"/>`,
        text(value, { x: x + barWidth / 2 - 1, y: toY(value) - 3, more: 'text-anchor="middle" font-size="10"' }),
      ];
    }),
  ]);
}

function allValues(bars: readonly Bars[]): readonly number[] {
  return bars.flatMap(({ values }) => values);
}

/** Round numbers from 0 to `max` or the next one above it, about `count` steps of 1, 2 or 5 times a power of ten. */
function ticks(max: number, count = 4): readonly number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

function belowAxis(content: string | number, x: number, below: number): string {
  return text(content, { x, y: plotTop + plotHeight + below, more: 'text-anchor="middle"' });
}

function text(content: string | number, { x, y, more = "" }: { x: number; y: number; more?: string }): string {
  const shown = typeof content === "number" ? content.toLocaleString("en", { maximumSignificantDigits: 4 }) : content;
  return `<text x="${round(x)}" y="${round(y)}"${more && ` ${more}`}>${escaped(shown)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
