import type { Server } from "./server";

interface Variable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string } };
}

/** Where the nodes of a version send what they measure, found as a pod finds it: in its environment. */
export async function measurementsUrl(server: Server, runtime: string, version: string): Promise<string> {
  const read = async (path: string) => {
    const answer = await fetch(`${server.sandboxUrl}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const deployments = await read(
    `/apis/apps/v1/namespaces/kai-${runtime}/deployments?labelSelector=version-name%3D${version},type%3Dnode`,
  );
  const variables: Variable[] = deployments.items[0].spec.template.spec.containers[0].env;
  const variable = variables.find(({ name }) => name === "KRT_INFLUX_URI");
  const secret = variable?.valueFrom?.secretKeyRef;
  if (!secret) throw new Error(`no secret with the measurements' URL: ${JSON.stringify(variable)}`);
  const { data } = await read(`/api/v1/namespaces/kai-${runtime}/secrets/${secret.name}`);
  return Buffer.from(data[secret.key], "base64").toString();
}

/** Sends points as a node's InfluxDB client does; times are in seconds since 1970. */
export async function writePoints(url: string, lines: string[]): Promise<void> {
  const answer = await fetch(`${url}/api/v2/write?org=&bucket=demo&precision=s`, {
    method: "POST",
    body: lines.join("\n"),
    headers: { authorization: "Token " },
  });
  if (answer.status !== 204) throw new Error(`${answer.status}: ${await answer.text()}`);
}

interface Handled {
  workflow: string;
  node: string;
  from: string;
  ms: number;
  success?: boolean;
  /** Seconds ago. */
  ago?: number;
}

/** What a runner writes after each message. */
export function handled({ workflow, node, from, ms, success = true, ago = 0 }: Handled): string {
  const tags = `from_node=${from},version=any,workflow=${workflow},node=${node}`;
  return `node_elapsed_time,${tags} elapsed_ms=${ms},success=${success} ${Math.floor(Date.now() / 1000) - ago}`;
}
