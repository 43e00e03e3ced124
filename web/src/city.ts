/** The map of the whole city: hexagons with counts that open into assets, each of which leads to its page. */

import type { FeatureCollection } from "geojson";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { boxOf, counts, hexagons, NOTHING, shapes } from "./features";
import { ASSETS, COUNTS, cityLayers, HEXAGONS } from "./layers";
import { Legend } from "./legend";
import {
  holds,
  meets,
  mostAssets,
  REACH_PIXELS,
  resolutionFor,
  WIDEST_HEXAGON_PIXELS,
  widened,
} from "./levels";
import { Listing } from "./listing";
import { addLayers, type Box, boxAround, openMap } from "./map";
import { element, tell } from "./page";
import { Pointing } from "./pointing";
import {
  type Asset,
  type Cell,
  countCells,
  countWithoutPosition,
  fetchAssets,
  type Kinds,
  Refused,
  total,
} from "./registry";
import { say } from "./words";

const PATIENCE_MS = 150;

/** What the map shows, and for which view and kinds it was fetched; hexagons where `assets` is null. */
interface Shown {
  box: Box;
  kinds: string;
  resolution: number;
  cells: Cell[];
  assets: Asset[] | null;
  /** How many assets of the kinds have no position. */
  placeless: number;
}

/** Opens the map in `container`, whose `data-extent` is the box around the city, and its parts in `side`. */
export async function showCity(container: HTMLElement, side: HTMLElement): Promise<void> {
  tell(container, "loading", say("loading"));
  const bounds = JSON.parse(container.dataset.extent ?? "null") as Box;
  const padding = Math.min(WIDEST_HEXAGON_PIXELS, container.clientWidth / 5, container.clientHeight / 5);
  const options = { bounds, fitBoundsOptions: { padding, maxZoom: 17 }, hash: "map" } as const;
  try {
    const map = await openMap(container, options);
    Object.assign(container, { map });
    await new City(container, map, side).refresh();
  } catch (problem) {
    console.warn(problem);
    tell(container, "failed", say("no_webgl"));
  }
}

class City {
  private readonly legend: Legend;
  private readonly listing: Listing;
  private readonly pointing: Pointing;
  private shown: Shown | null = null;
  private readonly placeless = new Map<string, number>();
  private fetching = new AbortController();
  private waiting = 0;

  constructor(
    private readonly container: HTMLElement,
    private readonly map: MapLibre,
    side: HTMLElement,
  ) {
    const open = (cell: string): void => void map.fitBounds(boxOf(cell), { padding: 8 });
    this.legend = new Legend(side, () => void this.refresh());
    this.listing = new Listing(side.querySelector(".in-view") ?? side, {
      open,
      label: (kind) => this.legend.label(kind),
    });
    this.pointing = new Pointing(map, { open, linkTo: (asset) => this.listing.linkTo(asset) });
    for (const id of [HEXAGONS, COUNTS, ASSETS]) map.addSource(id, { type: "geojson", data: NOTHING });
    addLayers(map, () => cityLayers(this.legend));
    map.on("moveend", () => {
      clearTimeout(this.waiting);
      this.waiting = window.setTimeout(() => void this.refresh(), PATIENCE_MS);
    });
  }

  /** Shows what is in view, fetching it unless it is there already. */
  async refresh(): Promise<void> {
    this.fetching.abort();
    if (this.legend.kinds?.length === 0) {
      this.show({ box: this.view(), kinds: "", resolution: 0, cells: [], assets: [], placeless: 0 });
      this.listing.say(say("no_kind"));
    } else if (this.shown && this.suffices(this.shown)) {
      this.list(this.shown);
      this.settle(this.shown);
    } else {
      await this.fetch();
    }
  }

  private async fetch(): Promise<void> {
    this.fetching = new AbortController();
    const { signal } = this.fetching;
    tell(this.container, "loading", say("loading"));
    try {
      this.show(await this.ask(signal));
    } catch (problem) {
      if (signal.aborted) return;
      console.warn(problem);
      const again = element("button", "", say("try_again"));
      again.addEventListener("click", () => void this.refresh());
      tell(this.container, "failed", problem instanceof Refused ? problem.message : say("map_failed"), again);
    }
  }

  private async ask(signal: AbortSignal): Promise<Shown> {
    const { kinds } = this.legend;
    const view = this.view(REACH_PIXELS);
    const box = widened(view, (view[2] - view[0]) / 4, (view[3] - view[1]) / 4);
    const resolution = this.resolution();
    const [cells, placeless] = await Promise.all([
      countCells(box, resolution, kinds, signal),
      this.countPlaceless(kinds, signal),
    ]);
    const few = total(cells) <= mostAssets(this.map.getZoom());
    const assets = few ? await fetchAssets(box, kinds, signal) : null;
    return { box, kinds: String(kinds), resolution, cells, assets, placeless };
  }

  /** Wherever one looks, the assets without a position stay the same: they are counted once. */
  private async countPlaceless(kinds: Kinds, signal: AbortSignal): Promise<number> {
    const known = this.placeless.get(String(kinds));
    const count = known ?? (await countWithoutPosition(kinds, signal));
    this.placeless.set(String(kinds), count);
    return count;
  }

  /** Whether what is shown is right for the view: all of its assets, or hexagons of the right size. */
  private suffices({ box, kinds, resolution, assets }: Shown): boolean {
    if (kinds !== String(this.legend.kinds) || !holds(box, this.view(REACH_PIXELS))) return false;
    return assets !== null || resolution === this.resolution();
  }

  private show(shown: Shown): void {
    const cells = shown.assets === null ? shown.cells : [];
    const paintOf = ({ kind, medium }: Asset): string => this.legend.paintOf(kind, medium);
    this.shown = shown;
    this.pointing.forget();
    this.set(HEXAGONS, hexagons(cells));
    this.set(COUNTS, counts(cells));
    this.set(ASSETS, shapes(shown.assets ?? [], paintOf));
    this.list(shown);
    this.settle(shown);
  }

  /** Says that all is there once it is drawn. */
  private settle(shown: Shown): void {
    void this.map.once("idle", () => {
      if (this.shown === shown && !this.map.isMoving()) tell(this.container, "ready");
    });
    this.map.triggerRepaint();
  }

  private set(source: string, data: FeatureCollection): void {
    void this.map.getSource<GeoJSONSource>(source)?.setData(data);
  }

  /** Says and lists what is in view. */
  private list({ cells, assets, placeless }: Shown): void {
    const view = this.view();
    if (assets === null) {
      this.listing.cells(
        cells.filter(({ cell }) => meets(view, boxOf(cell))),
        placeless,
      );
    } else {
      const { lng, lat } = this.map.getCenter();
      const inView = ({ geometry }: Asset): boolean => meets(view, boxAround(geometry) ?? view);
      this.listing.assets(assets.filter(inView), placeless, lng, lat);
    }
  }

  private resolution(): number {
    return resolutionFor(this.map.getZoom(), this.map.getCenter().lat);
  }

  /** The box of the view, widened by so many pixels on each side. */
  private view(pixels = 0): Box {
    const [[west, south], [east, north]] = this.map.getBounds().toArray();
    const { clientWidth, clientHeight } = this.container;
    const across = ((east - west) * pixels) / Math.max(clientWidth, 1);
    return widened(
      [west, south, east, north],
      across,
      ((north - south) * pixels) / Math.max(clientHeight, 1),
    );
  }
}
