/** The kernel's random numbers are the host's. */
export { fillRandom } from "../host/random.ts";
