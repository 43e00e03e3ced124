/** A MapLibre map on the page's own ground, or on the basemap that the registry's settings name. */

import {
  AttributionControl,
  type LayerSpecification,
  type LngLatLike,
  Map as MapLibre,
  type MapOptions,
  NavigationControl,
  Popup,
  ScaleControl,
  type StyleSpecification,
  setWorkerUrl,
} from "maplibre-gl";
import { colour, element, onThemeChange } from "./page";
import { say } from "./words";

/** West, south, east, north in degrees. */
export type Box = [west: number, south: number, east: number, north: number];

const GROUND = "ground";
const { worker, basemap, attribution } = document.body.dataset;

/** A map in `container`; `options` go before ours. Resolves when layers may be added. */
export async function openMap(container: HTMLElement, options: Partial<MapOptions>): Promise<MapLibre> {
  if (worker) setWorkerUrl(worker);
  const map = new MapLibre({
    container,
    style: basemap ? styleOf(basemap) : emptyStyle(),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    maxPitch: 0,
    maxZoom: 21,
    locale: controlNames(),
    ...options,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
  map.addControl(new AttributionControl({ compact: false, customAttribution: credits(container) }));
  await map.once("load");
  return map;
}

/** Adds layers whose paint is made of the style sheet's colours, and paints them anew when those change. */
export function addLayers(map: MapLibre, layers: () => LayerSpecification[]): void {
  for (const layer of layers()) map.addLayer(layer);
  onThemeChange(() => {
    if (map.getLayer(GROUND)) map.setPaintProperty(GROUND, "background-color", colour("ground"));
    for (const { id, paint } of layers()) {
      for (const [name, value] of Object.entries(paint ?? {}))
        map.setPaintProperty(id, name as never, value as never);
    }
  });
}

/** A popup at a place. */
export function popup(map: MapLibre, place: LngLatLike, content: Node, closes: boolean): Popup {
  const shown = new Popup({
    closeButton: closes,
    closeOnMove: false,
    maxWidth: "18rem",
    focusAfterOpen: closes,
  });
  return shown.setLngLat(place).setDOMContent(content).addTo(map);
}

/** The box around every position of GeoJSON geometries or lists of coordinates; null if there is none. */
export function boxAround(geometries: unknown): Box | null {
  const box: Box = [Infinity, Infinity, -Infinity, -Infinity];
  const widen = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    const [x, y] = Array.isArray(part) ? (part as unknown[]) : [];
    if (typeof x === "number" && typeof y === "number") {
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    } else Object.values(part).forEach(widen);
  };
  widen(geometries);
  return box[0] <= box[2] ? box : null;
}

/** Whom to credit for the basemap and for what the map shows; the control takes HTML, and these are texts. */
function credits(container: HTMLElement): string[] {
  const texts = [attribution, container.dataset.credits].filter((text) => text !== undefined && text !== "");
  return texts.map((text) => element("span", "", text as string).innerHTML);
}

function emptyStyle(): StyleSpecification {
  const ground = { id: GROUND, type: "background", paint: { "background-color": colour("ground") } } as const;
  return { version: 8, sources: {}, layers: [ground] };
}

/** A style's address as it is; an address of tiles, with {z}, {x} and {y}, as a style of one raster layer. */
function styleOf(address: string): string | StyleSpecification {
  if (!address.includes("{z}")) return address;
  const tiles = { type: "raster" as const, tiles: [address], tileSize: 256, maxzoom: 19 };
  return { version: 8, sources: { tiles }, layers: [{ id: "tiles", type: "raster", source: "tiles" }] };
}

function controlNames(): Record<string, string> {
  return {
    "NavigationControl.ZoomIn": say("zoom_in"),
    "NavigationControl.ZoomOut": say("zoom_out"),
    "AttributionControl.ToggleAttribution": say("attribution"),
    "Map.Title": say("map"),
    "Popup.Close": say("close"),
    "ScaleControl.Meters": "m",
    "ScaleControl.Kilometers": "km",
  };
}
