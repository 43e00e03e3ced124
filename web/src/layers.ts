/** How hexagons and assets look. */

import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";
import type { Legend } from "./legend";
import { colour } from "./page";

export const HEXAGONS = "hexagons";
export const HEXAGON_LAYER = "hexagon-areas";
export const COUNTS = "counts";
export const ASSETS = "assets";
/** The layers of assets that can be pointed at. */
export const ASSET_LAYERS = ["asset-areas", "asset-lines", "asset-points"];

/** Every layer, in the colours of the moment. */
export function cityLayers(legend: Legend): LayerSpecification[] {
  return [...hexagonLayers(), ...assetLayers(legend)];
}

function hexagonLayers(): LayerSpecification[] {
  const ramp: ExpressionSpecification = [
    "interpolate",
    ["linear"],
    ["get", "share"],
    0,
    colour("ramp-low"),
    1,
    colour("ramp-high"),
  ];
  return [
    { id: HEXAGON_LAYER, type: "fill", source: HEXAGONS, paint: { "fill-color": ramp, "fill-opacity": 0.9 } },
    {
      id: "hexagon-edges",
      type: "line",
      source: HEXAGONS,
      paint: { "line-color": colour("ground"), "line-width": 1.5 },
    },
    {
      id: "hexagon-counts",
      type: "symbol",
      source: COUNTS,
      layout: {
        "text-field": ["get", "label"],
        "text-size": 13,
        "text-font": ["sans-serif"],
        "symbol-sort-key": ["-", ["get", "count"]],
      },
      paint: { "text-color": colour("ink"), "text-halo-color": colour("paper"), "text-halo-width": 1.5 },
    },
  ];
}

function assetLayers(legend: Legend): LayerSpecification[] {
  const names = legend.colours().flat();
  const paint = ["match", ["get", "paint"], ...names, colour("ink")] as unknown as ExpressionSpecification;
  const isType = (type: "Point" | "Polygon"): ExpressionSpecification => ["==", ["geometry-type"], type];
  const byZoom = (far: number, near: number): ExpressionSpecification => [
    "interpolate",
    ["linear"],
    ["zoom"],
    12,
    far,
    18,
    near,
  ];
  return [
    {
      id: "asset-areas",
      type: "fill",
      source: ASSETS,
      filter: isType("Polygon"),
      paint: { "fill-color": paint, "fill-opacity": 0.3 },
    },
    {
      id: "asset-lines",
      type: "line",
      source: ASSETS,
      filter: ["!", isType("Point")],
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": paint, "line-width": ["case", isType("Polygon"), 1.25, 2.5] },
    },
    {
      id: "asset-points",
      type: "circle",
      source: ASSETS,
      filter: isType("Point"),
      paint: {
        "circle-color": paint,
        "circle-radius": byZoom(2.5, 6),
        "circle-stroke-color": colour("paper"),
        "circle-stroke-width": byZoom(0.5, 1.5),
      },
    },
  ];
}
