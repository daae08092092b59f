/**
 * Returns the memory of a Node.js process after a full collection, in bytes: the JavaScript heap and the buffers
 * outside it. The process must run with `--inspect` on this port of 127.0.0.1.
 */
export async function liveBytesOf(inspectorPort: number): Promise<number> {
  const inspector = await connectTo(inspectorPort);
  try {
    // Twice: finalizers of the first collection free more.
    await inspector.call('HeapProfiler.collectGarbage');
    await inspector.call('HeapProfiler.collectGarbage');
    const expression = 'process.memoryUsage().heapUsed + process.memoryUsage().external';
    const { result } = (await inspector.call('Runtime.evaluate', { expression })) as { result: { value: number } }; // the protocol
    return result.value;
  } finally {
    inspector.close();
  }
}

async function connectTo(port: number) {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '');
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('the inspector cannot be reached')), { once: true });
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }; // the protocol
    if (id !== undefined) waiting.get(id)?.(result);
  });
  let calls = 0;
  return {
    call(method: string, params: object = {}): Promise<unknown> {
      const id = ++calls;
      return new Promise((resolve, reject) => {
        waiting.set(id, resolve);
        socket.addEventListener('close', () => reject(new Error('the inspected process has gone')), { once: true });
        socket.send(JSON.stringify({ id, method, params }));
      });
    },
    close: () => socket.close(),
  };
}
