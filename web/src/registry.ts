/** What the map asks the registry: its trusted documents, over GraphQL. */

import type { Geometry } from "geojson";
import assetsInView from "../../graphql/operations/assets_in_view.graphql";
import cellsInView from "../../graphql/operations/cells_in_view.graphql";
import withoutPosition from "../../graphql/operations/without_position.graphql";
import { asFilter } from "./levels";
import type { Box } from "./map";

export interface Cell extends Counted {
  cell: string;
}

export interface Asset {
  code: string;
  kind: string;
  name: string | null;
  position: { lon: number; lat: number };
  geometry: Geometry;
  medium?: string | null;
}

/** Which assets: of these kinds, or of all. */
export type Kinds = string[] | null;

/** An answer that is an error, in the page's language. */
export class Refused extends Error {}

const PAGE = 1_000;

/** How many assets each cell of a resolution holds that meet the box. Rejects with `Refused`. */
export async function countCells(
  box: Box,
  resolution: number,
  kinds: Kinds,
  signal: AbortSignal,
): Promise<Cell[]> {
  const answer = await ask<{ cells: Cell[] }>(
    cellsInView,
    { bbox: asFilter(box), resolution, kinds },
    signal,
  );
  return answer.cells;
}

/** How many assets of these kinds no map can show. Rejects with `Refused`. */
export async function countWithoutPosition(kinds: Kinds, signal: AbortSignal): Promise<number> {
  const { groups, cells } = await ask<{ groups: Counted[]; cells: Counted[] }>(
    withoutPosition,
    { kinds },
    signal,
  );
  return total(groups) - total(cells);
}

/** Every asset that meets the box, page by page. Rejects with `Refused`. */
export async function fetchAssets(box: Box, kinds: Kinds, signal: AbortSignal): Promise<Asset[]> {
  const found: Asset[] = [];
  let after: string | null = null;
  do {
    const variables: object = { bbox: asFilter(box), kinds, first: PAGE, after };
    const { assets }: AssetsAnswer = await ask<AssetsAnswer>(assetsInView, variables, signal);
    found.push(...assets.nodes);
    after = assets.pageInfo.hasNextPage ? assets.pageInfo.endCursor : null;
  } while (after !== null);
  return found;
}

interface Counted {
  count: number;
}

/** What counts add up to. */
export const total = (counts: Counted[]): number => counts.reduce((sum, { count }) => sum + count, 0);

interface AssetsAnswer {
  assets: { nodes: Asset[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
}

interface Answer<Data> {
  data?: Data | null;
  errors?: { message: string; extensions?: { zh?: string } }[];
}

async function ask<Data>(query: string, variables: object, signal: AbortSignal): Promise<Data> {
  const headers = { "content-type": "application/json", accept: "application/json" };
  const body = JSON.stringify({ query, variables });
  const response = await fetch("/graphql", { method: "POST", headers, body, signal });
  const { data, errors } = (await response.json()) as Answer<Data>;
  const [error] = errors ?? [];
  if (error) {
    const chinese = document.documentElement.lang.startsWith("zh") ? error.extensions?.zh : undefined;
    throw new Refused(chinese ?? error.message);
  }
  if (!data) throw new Error(`HTTP ${response.status}`);
  return data;
}
