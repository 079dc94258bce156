/** Why a port or a socket cannot be bound, in one line that says what to do. */
import { codeOf } from "../errors.ts";

export interface Place {
  readonly host: string;
  readonly port: number;
  /** Path of a socket, in place of host and port. */
  readonly unix?: string | undefined;
  readonly plainPort?: number | undefined;
  readonly workerPort?: number | undefined;
}

export function bindProblem({ host, port, unix, plainPort, workerPort }: Place, error: unknown): string {
  const code = codeOf(error);
  if (unix !== undefined) return socketProblem(unix, code);
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const flag = port === plainPort ? "--plain-port" : port === workerPort ? "--worker-port" : "--port";
  if (code === "EADDRINUSE")
    return `${where} is in use by another program. Stop it, or choose another port with ${flag}.`;
  if (code === "EACCES")
    return `${where} needs more rights than this process has. Choose a port from 1024 on.`;
  return `${where} cannot be bound (${code}). Is ${host} an address of this machine?`;
}

function socketProblem(path: string, reason: string): string {
  if (reason !== "EADDRINUSE")
    return `unix:${path} cannot be bound (${reason}). Is its folder there, and may this process write to it?`;
  return `unix:${path} is there already: another program listens on it, or it is no socket. Stop that, or name another path.`;
}
