import type { Item } from "../catalog/items.ts";

export interface User {
  readonly name: string;
  readonly username: string;
  readonly email?: string;
}

export interface Shown {
  /** Absent: the service did not answer. */
  readonly items: readonly Item[] | undefined;
  readonly users: readonly User[] | undefined;
}

export function isItem(value: unknown): value is Item {
  return typeof value === "object" && value !== null && "id" in value && typeof value.id === "number";
}

export function isUser(value: unknown): value is User {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string";
}

/** The shop's only page: who talks to whom, the first four items, the forum's users. */
export function page({ items, users }: Shown): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Outfitters</title><style>${style}</style></head>
<body>
<header><h1>Outfitters</h1>${graph(items !== undefined, users !== undefined)}</header>
<main>
<h2>Catalog</h2>
${items ? `<ul class="items">${items.slice(0, 4).map(itemHtml).join("")}</ul>` : missing("catalog")}
<h2>Forum</h2>
${users ? `<ul>${users.map(userHtml).join("")}</ul>` : missing("forum")}
</main>
</body>
</html>
`;
}

function itemHtml({ imageUrl, color, name, department, price }: Item): string {
  const picture = imageUrl
    ? `<img src="${escaped(imageUrl)}" alt="">`
    : `<span class="swatch" style="background:${color === "amber" ? "#ffbf00" : escaped(color)}"></span>`;
  return `<li>${picture}<b>${escaped(name)}</b><small>${escaped(department)}</small><i>$${escaped(price)}</i></li>`;
}

function userHtml({ name, username }: User): string {
  return `<li>${escaped(name)} <small>${escaped(username)}</small></li>`;
}

function missing(service: string): string {
  return `<p class="missing">The ${service} service is currently not available.</p>`;
}

/** webapp and the services behind it; a broken line leads to one that does not answer. */
function graph(catalog: boolean, forum: boolean): string {
  const node = (x: number, y: number, name: string, up: boolean): string =>
    `<g class="${up ? "up" : "down"}"><rect x="${x}" y="${y}" width="96" height="28" rx="14"/><text x="${x + 48}" y="${y + 18}">${name}</text></g>`;
  const edge = (y: number, up: boolean): string =>
    `<path class="${up ? "up" : "down"}" d="M100 46 C140 46 140 ${y} 180 ${y}"/>`;
  return `<svg viewBox="0 0 280 92" width="280" height="92" role="img" aria-label="webapp calls catalog and forum">
${edge(18, catalog)}${edge(74, forum)}${node(4, 32, "webapp", true)}${node(180, 4, "catalog", catalog)}${node(180, 60, "forum", forum)}</svg>`;
}

function escaped(value: unknown): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return String(value ?? "").replace(/[&<>"]/g, (char) => entities[char] ?? char);
}

const style = `
:root{color-scheme:light dark;--line:#8884;--up:#2e8b57;--down:#c0392b}
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}
header{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:center;border-bottom:1px solid var(--line)}
h2{font-size:1.1rem;margin:1.5rem 0 .5rem}ul{list-style:none;padding:0}small{opacity:.7}
.items{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem}
.items li{display:flex;flex-direction:column;border:1px solid var(--line);border-radius:.75rem;overflow:hidden;padding-bottom:.75rem}
.items li>:not(:first-child){padding:0 .75rem}.swatch,.items img{height:6rem;width:100%;object-fit:cover;margin-bottom:.5rem}
.items i{font-style:normal;font-variant-numeric:tabular-nums}.missing{color:var(--down)}
svg text{font:13px system-ui;text-anchor:middle;fill:currentColor}svg rect{fill:none}svg path{fill:none;stroke-width:1.5}
.up rect,path.up{stroke:var(--up)}.down rect,path.down{stroke:var(--down);stroke-dasharray:4 3}`;
