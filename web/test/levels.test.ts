/** Resolutions and boxes, against H3 itself. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { cellToBoundary, getHexagonEdgeLengthAvg, latLngToCell } from "h3-js";
import {
  asFilter,
  HEXAGON_PIXELS,
  holds,
  meets,
  metresPerPixel,
  REACH_PIXELS,
  resolutionFor,
  widened,
} from "../src/levels";

const LATITUDES = [-60, 0, 31.2, 60.17];

test("hexagons are 34 to 91 pixels wide wherever H3 has a finer and a coarser one", () => {
  for (const latitude of LATITUDES) {
    for (let zoom = 2.5; zoom <= 20; zoom += 0.1) {
      const resolution = resolutionFor(zoom, latitude);
      const width =
        (Math.sqrt(3) * getHexagonEdgeLengthAvg(resolution, "m")) / metresPerPixel(zoom, latitude);
      if (resolution > 0 && resolution < 15) assert.ok(width > 34 && width < 91.5, `${zoom} ${width}`);
    }
  }
});

test("resolutions grow with the zoom, each has its turn, and the ends are H3's", () => {
  const found = Array.from({ length: 250 }, (_, step) => resolutionFor(step / 10, 45));
  assert.deepEqual(
    found,
    found.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(found).size, 16);
  assert.deepEqual([resolutionFor(0, 0), resolutionFor(24, 0)], [0, 15]);
});

test("a hexagon at the edge of the view lies within the reach", () => {
  for (const latitude of LATITUDES) {
    for (let zoom = 3; zoom < 20; zoom += 0.25) {
      const metres = metresPerPixel(zoom, latitude);
      const boundary = cellToBoundary(latLngToCell(latitude, 121.47, resolutionFor(zoom, latitude)));
      const lats = boundary.map(([lat]) => lat);
      const height = ((Math.max(...lats) - Math.min(...lats)) * 111_195) / metres;
      assert.ok(height * 1.225 < REACH_PIXELS, `${zoom} ${latitude} ${height}`);
    }
  }
});

test("a box is widened within the world", () => {
  assert.deepEqual(widened([10, 20, 12, 22], 1, 2), [9, 18, 13, 24]);
  assert.deepEqual(widened([-170, -80, 170, 80], 20, 10), [-180, -85.051129, 180, 85.051129]);
  assert.ok(holds(widened([10, 20, 12, 22], 1, 2), [10, 20, 12, 22]));
  assert.ok(!holds([10, 20, 12, 22], [9, 20, 12, 22]));
});

test("boxes meet where they touch", () => {
  assert.ok(meets([0, 0, 1, 1], [1, 1, 2, 2]));
  assert.ok(!meets([0, 0, 1, 1], [1.1, 0, 2, 1]));
});

test("the registry reads longitudes from -180 to 180, and west above east across the antimeridian", () => {
  assert.deepEqual(asFilter([120, 30, 122, 32]), [120, 30, 122, 32]);
  assert.deepEqual(asFilter([178, -20, 182, -15]), [178, -20, -178, -15]);
  assert.deepEqual(asFilter([-182, -20, -178, -15]), [178, -20, -178, -15]);
  assert.deepEqual(asFilter([-200, -60, 200, 60]), [-180, -60, 180, 60]);
});

test("hexagons are as wide as they should be on average", () => {
  const widths: number[] = [];
  for (let zoom = 3; zoom < 20; zoom += 0.01) {
    const metres = metresPerPixel(zoom, 31.2);
    widths.push(Math.log((Math.sqrt(3) * getHexagonEdgeLengthAvg(resolutionFor(zoom, 31.2), "m")) / metres));
  }
  const mean = Math.exp(widths.reduce((sum, width) => sum + width, 0) / widths.length);
  assert.ok(Math.abs(mean - HEXAGON_PIXELS) < 3, String(mean));
});
