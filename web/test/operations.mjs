// Asks a server with graphql-request: {address, asked: [{document, variables}]} on stdin, the answers on stdout.
import { text } from "node:stream/consumers";
import { ClientError, GraphQLClient } from "graphql-request";

const { address, asked } = JSON.parse(await text(process.stdin));
const client = new GraphQLClient(`${address}/graphql`);
const answers = [];
for (const { document, variables } of asked) {
  try {
    answers.push({ data: await client.request(document, variables) });
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    answers.push({ data: error.response.data, errors: error.response.errors });
  }
}
process.stdout.write(JSON.stringify(answers));
