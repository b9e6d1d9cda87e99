// The exercises as a Worker: asked with a driver and a target, it answers with what was seen or what was thrown.
import { drivers } from './cases/index.ts';
import type { Target } from './driver.ts';

export interface Ask {
  driver: string;
  target: Target;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { driver, target } = (await request.json()) as Ask;
    try {
      const seen = await drivers.find((candidate) => candidate.package === driver)!.exercise(target);
      return Response.json({ seen });
    } catch (error) {
      return Response.json({ error: error instanceof Error ? (error.stack ?? String(error)) : String(error) });
    }
  },
};
