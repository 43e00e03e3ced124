/** Brings to life the maps of a page. */

import "maplibre-gl/dist/maplibre-gl.css";
import { showCity } from "./city";
import { showCollection } from "./collection";

const city = document.querySelector<HTMLElement>(".map[data-extent]");
const side = document.getElementById("side");
if (city && side) void showCity(city, side);

for (const container of document.querySelectorAll<HTMLElement>(".map[data-geojson]")) {
  void showCollection(container);
}
