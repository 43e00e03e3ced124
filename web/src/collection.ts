/** A map of one GeoJSON document: areas coloured by their `value`, points by their `class`, a `label` for each
 * feature, its `href`. */

import type { Feature, FeatureCollection } from "geojson";
import type {
  GeoJSONSource,
  LayerSpecification,
  MapGeoJSONFeature,
  Map as MapLibre,
  Popup,
} from "maplibre-gl";
import { addLayers, boxAround, openMap, popup } from "./map";
import { colour, element, tell } from "./page";
import { counted, say } from "./words";

const SOURCE = "collection";
/** The colours of classes in the style sheet. */
const CLASSES = ["class-1", "class-2", "class-3", "class-4"];
const LAYERS = ["collection-areas", "collection-lines", "collection-points"];

/** Fetches the document that `data-geojson` names and shows it, fitted to the map. */
export async function showCollection(container: HTMLElement): Promise<void> {
  tell(container, "loading", say("loading"));
  try {
    const answer = await fetch(container.dataset.geojson ?? "", {
      headers: { accept: "application/geo+json" },
    });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    await show(container, (await answer.json()) as FeatureCollection);
  } catch (problem) {
    console.warn(problem);
    tell(container, "failed", say("map_failed"));
  }
}

async function show(container: HTMLElement, collection: FeatureCollection): Promise<void> {
  const box = boxAround(collection.features.map(({ geometry }) => geometry));
  if (box === null) {
    tell(container, "empty", say("nothing_to_show"));
    return;
  }
  const map = await openMap(container, { bounds: box, fitBoundsOptions: { padding: 32, maxZoom: 17 } });
  Object.assign(container, { map });
  const drawn = collection.features.filter(({ geometry }) => geometry !== null);
  const values = drawn.map((feature) => feature.properties?.value as unknown).filter(isNumber);
  const classes = classesOf(drawn);
  map.addSource(SOURCE, { type: "geojson", data: collection });
  addLayers(map, () => layers(Math.min(...values), Math.max(...values)));
  if (classes.size) container.after(key(classes, collection.features.length - drawn.length));
  if (values.length) container.after(scale(Math.min(...values), Math.max(...values)));
  listen(map);
  map.once("idle", () => tell(container, "ready"));
  await map.getSource<GeoJSONSource>(SOURCE)?.getData();
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

function layers(least: number, most: number): LayerSpecification[] {
  const [areas, lines, points] = LAYERS as [string, string, string];
  const shape = colour("shape");
  const ramp = [
    ...["case", ["==", ["typeof", ["get", "value"]], "number"]],
    [
      "interpolate",
      ["linear"],
      ["get", "value"],
      least,
      colour("ramp-low"),
      most + Number(least === most),
      colour("ramp-high"),
    ],
    colour("ramp-none"),
  ] as unknown as string;
  const fill = Number.isFinite(least) ? ramp : shape;
  const isType = (type: string): ["==", ["geometry-type"], string] => ["==", ["geometry-type"], type];
  return [
    {
      id: areas,
      type: "fill",
      source: SOURCE,
      filter: isType("Polygon"),
      paint: { "fill-color": fill, "fill-opacity": Number.isFinite(least) ? 0.85 : 0.25 },
    },
    {
      id: lines,
      type: "line",
      source: SOURCE,
      filter: ["!", isType("Point")],
      paint: { "line-color": shape, "line-width": 1.5 },
    },
    {
      id: points,
      type: "circle",
      source: SOURCE,
      filter: isType("Point"),
      paint: {
        "circle-color": ["case", ["has", "class"], colourOfClass(), fill],
        "circle-radius": 6,
        "circle-stroke-color": ["case", ["has", "class"], colour("paper"), shape],
        "circle-stroke-width": 1.5,
      },
      layout: { "circle-sort-key": ["-", ["coalesce", ["get", "class"], 0]] },
    },
  ] as LayerSpecification[];
}

/** The colour of a point's class; classes beyond the colours there are begin again with the first. */
function colourOfClass(): unknown[] {
  const colours = CLASSES.flatMap((name, place) => [place, colour(name)]);
  return ["match", ["%", ["-", ["get", "class"], 1], CLASSES.length], ...colours, colour("shape")];
}

interface Class {
  label: string;
  count: number;
}

/** The classes that there are, by their numbers, in order. */
function classesOf(features: Feature[]): Map<number, Class> {
  const found = new Map<number, Class>();
  for (const { properties } of features) {
    if (!isNumber(properties?.class)) continue;
    const one = found.get(properties.class) ?? { label: String(properties.class_label), count: 0 };
    found.set(properties.class, { ...one, count: one.count + 1 });
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** The classes' colours and counts, below the map, and how many features could not be drawn. */
function key(classes: Map<number, Class>, placeless: number): HTMLElement {
  const entries = [...classes].map(([number, { label, count }]) => {
    const swatch = element("span", `swatch ${CLASSES[(number - 1) % CLASSES.length]}`);
    return element("span", "", swatch, `${label} ${counted(count)}`);
  });
  const more = placeless ? [element("span", "", say("without_position", { count: counted(placeless) }))] : [];
  return element("p", "classes", ...entries, ...more);
}

/** The colours' meaning: least and most value, below the map. */
function scale(least: number, most: number): HTMLElement {
  return element("p", "ramp", counted(least), element("span", "ramp-bar"), counted(most));
}

function listen(map: MapLibre): void {
  let shown: Popup | undefined;
  const over = (point: { x: number; y: number }): MapGeoJSONFeature | undefined =>
    map.queryRenderedFeatures([point.x, point.y], { layers: LAYERS })[0];
  map.on("mousemove", ({ point, lngLat }) => {
    const feature = over(point);
    map.getCanvas().style.cursor = feature?.properties.href ? "pointer" : "";
    shown?.remove();
    if (feature?.properties.label)
      shown = popup(map, lngLat, element("p", "", String(feature.properties.label)), false);
  });
  map.on("mouseout", () => shown?.remove());
  map.on("click", ({ point, lngLat }) => {
    const { href, label } = over(point)?.properties ?? {};
    shown?.remove();
    if (typeof href === "string") location.assign(href);
    else if (label) shown = popup(map, lngLat, element("p", "", String(label)), true);
  });
}
