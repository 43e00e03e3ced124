/** How far to look and how finely to count: pure functions of the view. */

import { getHexagonEdgeLengthAvg, UNITS } from "h3-js";
import type { Box } from "./map";

/** The width in pixels, from side to side, that a hexagon should have on the screen. */
export const HEXAGON_PIXELS = 56;
/** The most pixels from corner to corner that one has: what a hexagon may reach beyond its outermost asset. */
export const WIDEST_HEXAGON_PIXELS = 105;
/** Pixels beyond the view within which a hexagon that the view shows may have assets. */
export const REACH_PIXELS = 160;

const FINEST = 15;
const WORLD_METRES = 40_075_016.7;
const TILE_PIXELS = 512;
const LATITUDE_LIMIT = 85.051129;

/** Metres of ground in one pixel of a map at a zoom and a latitude in degrees. */
export function metresPerPixel(zoom: number, latitude: number): number {
  return (WORLD_METRES * Math.cos((latitude * Math.PI) / 180)) / (TILE_PIXELS * 2 ** zoom);
}

/** The H3 resolution whose hexagons are nearest to `HEXAGON_PIXELS`: 34 to 91 pixels, as one step is √7. */
export function resolutionFor(zoom: number, latitude: number): number {
  const wanted = HEXAGON_PIXELS * metresPerPixel(zoom, latitude);
  const misfit = (resolution: number): number =>
    Math.abs(Math.log((Math.sqrt(3) * getHexagonEdgeLengthAvg(resolution, UNITS.m)) / wanted));
  let best = 0;
  for (let resolution = 1; resolution <= FINEST; resolution++) {
    if (misfit(resolution) < misfit(best)) best = resolution;
  }
  return best;
}

/** How many assets are shown one by one; where there are more, hexagons count them. */
export function mostAssets(zoom: number): number {
  return zoom < 16 ? 2_000 : 5_000;
}

/** The box widened by so many degrees on each side, within what a map shows. West may be below -180. */
export function widened([west, south, east, north]: Box, across: number, along: number): Box {
  const wide = Math.min(across, (360 - (east - west)) / 2);
  return [
    west - wide,
    Math.max(south - along, -LATITUDE_LIMIT),
    east + wide,
    Math.min(north + along, LATITUDE_LIMIT),
  ];
}

/** Whether the first box holds the second. */
export function holds(outer: Box, inner: Box): boolean {
  return outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
}

/** Whether two boxes have a point in common. */
export function meets(one: Box, other: Box): boolean {
  return one[0] <= other[2] && other[0] <= one[2] && one[1] <= other[3] && other[1] <= one[3];
}

/** The box as the registry reads it: longitudes from -180 to 180, west above east across the antimeridian. */
export function asFilter([west, south, east, north]: Box): Box {
  if (east - west >= 360) return [-180, south, 180, north];
  const around = (longitude: number): number => ((((longitude + 180) % 360) + 360) % 360) - 180;
  return [around(west), south, around(east), north];
}
