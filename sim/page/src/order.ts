// The order of lanes: reader, old leader, others, new leader, writer. Clients lie beside the node they ask, so few arrows cross.
import type { Picture } from "./picture";

export interface Lane { name: string; node?: number; client?: number }

export function storyLanes(picture: Picture): Lane[] {
  const change = picture.told === undefined ? undefined : picture.changes[picture.told];
  const stale = picture.stale;
  const first = stale?.server ?? change?.old;
  const last = stale?.missed_server ?? change?.new;
  const all = picture.nodes.map((_, node) => node);
  const middle = all.filter((node) => node !== first && node !== last && node !== change?.new);
  const tail = [change?.new, last].filter((node): node is number => node !== undefined && node !== first);
  const order = [...new Set([...(first === undefined ? [] : [first]), ...middle, ...tail])];
  const of = (number?: number) => picture.operations.find((operation) => operation.number === number)?.client;
  const [reader, writer] = [of(stale?.operation), of(stale?.missed)];
  const clients = picture.clients.map((_, client) => client).filter((client) => picture.operations.some((operation) => operation.client === client));
  const above = clients.filter((client) => client === reader);
  const below = clients.filter((client) => client !== reader).sort((a, b) => Number(a === writer) - Number(b === writer));
  const client = (place: number): Lane => ({ name: picture.clients[place].name, client: place });
  return [...above.map(client), ...order.map((node) => ({ name: picture.nodes[node].name, node })), ...below.map(client)];
}
