/** Cells and assets as what the map draws. */

import type { Feature, FeatureCollection, Point, Polygon } from "geojson";
import { cellToBoundary, cellToLatLng } from "h3-js";
import { type Box, boxAround } from "./map";
import type { Asset, Cell } from "./registry";
import { abbreviated } from "./words";

/** A hexagon and its count; `share` is the square root of the count, as a part of the fullest's. */
export interface HexagonProperties {
  cell: string;
  count: number;
  share: number;
}

export interface AssetProperties {
  code: string;
  kind: string;
  name: string;
  paint: string;
}

export const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };

/** The outlines of cells. */
export function hexagons(cells: Cell[]): FeatureCollection<Polygon, HexagonProperties> {
  const most = Math.max(1, ...cells.map(({ count }) => count));
  return collection(
    cells.map(({ cell, count }) => ({
      type: "Feature",
      properties: { cell, count, share: Math.sqrt(count / most) },
      geometry: { type: "Polygon", coordinates: [outline(cell)] },
    })),
  );
}

/** The counts of cells, each in its middle. */
export function counts(cells: Cell[]): FeatureCollection<Point, { label: string; count: number }> {
  return collection(
    cells.map(({ cell, count }) => {
      const [lat, lon] = cellToLatLng(cell);
      return {
        type: "Feature",
        properties: { label: abbreviated(count), count },
        geometry: { type: "Point", coordinates: [lon, lat] },
      };
    }),
  );
}

/** The assets' geometries; `paintOf` names the colour of each. */
export function shapes(
  assets: Asset[],
  paintOf: (asset: Asset) => string,
): FeatureCollection<Asset["geometry"], AssetProperties> {
  return collection(
    assets.map((asset) => ({
      type: "Feature",
      properties: { code: asset.code, kind: asset.kind, name: asset.name ?? "", paint: paintOf(asset) },
      geometry: asset.geometry,
    })),
  );
}

/** The box around a cell. */
export function boxOf(cell: string): Box {
  return boxAround(outline(cell)) as Box;
}

/** The corners of a cell, closed; east of 180° where it crosses the antimeridian. */
function outline(cell: string): [number, number][] {
  const corners = cellToBoundary(cell, true) as [number, number][];
  const crosses = corners.some(([lon]) => lon > 90) && corners.some(([lon]) => lon < -90);
  return crosses ? corners.map(([lon, lat]) => [lon < 0 ? lon + 360 : lon, lat]) : corners;
}

function collection<G extends Feature["geometry"], P>(features: Feature<G, P>[]): FeatureCollection<G, P> {
  return { type: "FeatureCollection", features };
}
