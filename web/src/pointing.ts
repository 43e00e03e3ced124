/** What a pointer finds on the map of the city: words where it rests, and where a click leads. */

import type { LngLatLike, Map as MapLibre, MapMouseEvent, PointLike, Popup } from "maplibre-gl";
import type { AssetProperties, HexagonProperties } from "./features";
import { ASSET_LAYERS, HEXAGON_LAYER } from "./layers";
import { popup } from "./map";
import { assetPath, element } from "./page";
import { counted, say } from "./words";

const NEAR_PIXELS = 5;
const MOST = 12;

export interface Found {
  /** Zoom to a cell. */
  open(cell: string): void;
  /** The link to an asset's page. */
  linkTo(asset: AssetProperties): HTMLAnchorElement;
}

export class Pointing {
  private hint: Popup | undefined;
  private choice: Popup | undefined;

  constructor(
    private readonly map: MapLibre,
    private readonly found: Found,
  ) {
    map.on("click", (event) => this.click(event));
    map.on("mousemove", (event) => this.move(event));
    map.on("mouseout", () => this.hint?.remove());
  }

  /** Takes away what belongs to things that are no longer there. */
  forget(): void {
    this.hint?.remove();
    this.choice?.remove();
  }

  /** A hexagon opens; an asset leads to its page; of several in one place one may be chosen. */
  private click({ point, lngLat }: MapMouseEvent): void {
    const hexagon = this.hexagonAt(point);
    const assets = hexagon ? [] : this.assetsAt(point);
    this.forget();
    if (hexagon) this.found.open(hexagon.cell);
    else if (assets.length === 1) location.assign(assetPath((assets[0] as AssetProperties).code));
    else if (assets.length) this.offer(assets, lngLat);
  }

  private offer(assets: AssetProperties[], place: LngLatLike): void {
    const lines = assets.slice(0, MOST).map((asset) => element("li", "", this.found.linkTo(asset)));
    this.choice = popup(this.map, place, element("ul", "links", ...lines), true);
  }

  private move({ point, lngLat }: MapMouseEvent): void {
    const hexagon = this.hexagonAt(point);
    const assets = hexagon ? [] : this.assetsAt(point);
    this.map.getCanvas().style.cursor = hexagon || assets.length ? "pointer" : "";
    this.hint?.remove();
    const [first] = assets;
    if (hexagon) this.hint = this.tip(say("assets_counted", { count: counted(hexagon.count) }), lngLat);
    else if (first && !this.choice?.isOpen())
      this.hint = this.tip(this.described(first, assets.length - 1), lngLat);
  }

  private described(asset: AssetProperties, others: number): string {
    const { textContent } = this.found.linkTo(asset).firstChild as Text;
    return others ? say("and_others", { name: textContent, count: counted(others) }) : textContent;
  }

  private tip(words: string, place: LngLatLike): Popup {
    return popup(this.map, place, element("p", "", words), false);
  }

  private hexagonAt(point: PointLike): HexagonProperties | undefined {
    return this.map.queryRenderedFeatures(point, { layers: [HEXAGON_LAYER] })[0]?.properties as
      | HexagonProperties
      | undefined;
  }

  /** The assets near a place on the screen, uppermost first. */
  private assetsAt({ x, y }: { x: number; y: number }): AssetProperties[] {
    const near: [PointLike, PointLike] = [
      [x - NEAR_PIXELS, y - NEAR_PIXELS],
      [x + NEAR_PIXELS, y + NEAR_PIXELS],
    ];
    const found = this.map.queryRenderedFeatures(near, { layers: ASSET_LAYERS });
    return [
      ...new Map(found.map(({ properties }) => [properties.code, properties as AssetProperties])).values(),
    ];
  }
}
