// PostGraphile over the views of sql/peers.sql: node server.js DATABASE_URL PORT POOL
import { createServer } from "node:http";
import { grafserv } from "postgraphile/grafserv/node";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const [url, port, pool] = process.argv.slice(2);

const preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString: url, schemas: ["peer"], poolConfig: { min: Number(pool), max: Number(pool) } })],
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
  grafast: { explain: false },
};

const server = createServer();
server.keepAliveTimeout = 600_000;
const serving = postgraphile(preset).createServ(grafserv);
await serving.addTo(server);
await serving.ready();
server.listen(Number(port), "127.0.0.1");
