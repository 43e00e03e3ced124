/** A map of one GeoJSON document: areas coloured by their `value`, a `label` for each feature, its `href`. */

import type { FeatureCollection } from "geojson";
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
  const values = collection.features.map((feature) => feature.properties?.value as unknown).filter(isNumber);
  map.addSource(SOURCE, { type: "geojson", data: collection });
  addLayers(map, () => layers(Math.min(...values), Math.max(...values)));
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
        "circle-color": fill,
        "circle-radius": 6,
        "circle-stroke-color": shape,
        "circle-stroke-width": 1.5,
      },
    },
  ] as LayerSpecification[];
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
