/** What is in view, as a list beside the map: for those who read it, and for keyboards. */

import { assetPath, element, link } from "./page";
import { type Asset, type Cell, total } from "./registry";
import { counted, say } from "./words";

const MOST_CELLS = 12;
const MOST_ASSETS = 40;

export interface Actions {
  /** Zoom to a cell. */
  open(cell: string): void;
  /** What a kind is called. */
  label(kind: string): string;
}

export class Listing {
  private readonly said: HTMLElement;
  private readonly list: HTMLElement;

  constructor(
    root: HTMLElement,
    private readonly actions: Actions,
  ) {
    this.said = element("p", "in-view-said");
    this.said.setAttribute("role", "status");
    this.list = element("ul", "links");
    root.append(this.said, this.list);
  }

  /** Only words, and how many assets have no position. */
  say(words: string, placeless = 0): void {
    const more = placeless ? say("without_position", { count: counted(placeless) }) : "";
    this.said.textContent = words + more;
    this.list.replaceChildren();
  }

  /** Hexagons, the fullest first. */
  cells(cells: Cell[], placeless: number): void {
    const values = { count: counted(total(cells)), hexagons: counted(cells.length) };
    this.say(say("hexagons_in_view", values), placeless);
    const fullest = cells.toSorted((a, b) => b.count - a.count).slice(0, MOST_CELLS);
    this.list.replaceChildren(...fullest.map((cell) => element("li", "", this.opener(cell))));
  }

  /** Assets, those nearest to a place first. */
  assets(assets: Asset[], placeless: number, lon: number, lat: number): void {
    const listed = Math.min(assets.length, MOST_ASSETS);
    const name =
      assets.length === 0 ? "none_in_view" : listed < assets.length ? "nearest_in_view" : "assets_in_view";
    this.say(say(name, { count: counted(assets.length), listed: counted(listed) }), placeless);
    const shrink = Math.cos((lat * Math.PI) / 180);
    const distance = ({ position }: Asset): number =>
      Math.hypot((position.lon - lon) * shrink, position.lat - lat);
    const nearest = assets.toSorted((a, b) => distance(a) - distance(b)).slice(0, MOST_ASSETS);
    this.list.replaceChildren(...nearest.map((asset) => element("li", "", this.linkTo(asset))));
  }

  /** The link to an asset's page. */
  linkTo({ code, kind, name }: Pick<Asset, "code" | "kind" | "name">): HTMLAnchorElement {
    const label = this.actions.label(kind);
    return link(assetPath(code), name || label, name ? `${label} ${code}` : code);
  }

  private opener({ cell, count }: Cell): HTMLButtonElement {
    const button = element("button", "", say("assets_counted", { count: counted(count) }));
    button.type = "button";
    button.append(element("span", "note", say("hexagon", { cell })));
    button.addEventListener("click", () => this.actions.open(cell));
    return button;
  }
}
