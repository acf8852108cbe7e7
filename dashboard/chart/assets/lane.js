// The visitor's fast lane: dashboard/chart/lane.py sends pictures here ahead of their page.

import { addressed } from "./wire.js";

let opened; // the token whose lane was opened last
const refused = new Set();

export function openLane(token, receive) {
  if (!token || token === opened || refused.has(token)) return;
  opened = token;
  const address = new URL(`../lane/${token}`, import.meta.url);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  let worked = false;
  socket.onopen = () => (worked = true);
  socket.onmessage = ({ data }) => {
    receive(...addressed(new Uint8Array(data)));
  };
  socket.onclose = () => {
    if (!worked) refused.add(token); // something on the way lets no socket through
    if (opened === token) opened = undefined; // the next rerun opens it again
  };
}
