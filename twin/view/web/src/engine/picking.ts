/** Picking on the graphics card: handles and distances of the few pixels under the cursor. */

import { type PerspectiveCamera, Vector3, type WebGLRenderer, type WebGLRenderTarget } from "three";
import { type Probe, probeTarget } from "./probe";

/** Side of the square that is looked at, pixels: a thin line counts when the cursor is near it. */
const SIDE = 5;

export interface Hit {
  /** -1 = something without a handle. */
  handle: number;
  point: Vector3;
  distance: number;
}

export class Picker {
  private readonly target: WebGLRenderTarget;
  private readonly bytes = new Uint8Array(SIDE * SIDE * 4);
  private readonly depths = new Uint8Array(SIDE * SIDE * 4);
  private waiting: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly renderer: WebGLRenderer,
    private readonly probe: Probe,
    private readonly camera: PerspectiveCamera,
    /** Takes away what a pick looks through; the answer puts it back. */
    private readonly prepare: () => () => void,
  ) {
    this.target = probeTarget(SIDE, SIDE);
  }

  /** Look now; waits for the graphics card. */
  pick(x: number, y: number, width: number, height: number): Hit | null {
    this.draw(x, y, width, height);
    this.renderer.readRenderTargetPixels(this.target, 0, 0, SIDE, SIDE, this.bytes, undefined, 0);
    this.renderer.readRenderTargetPixels(this.target, 0, 0, SIDE, SIDE, this.depths, undefined, 1);
    return this.answer(this.ray(x, y, width, height));
  }

  /** Look without stopping the page; calls wait for each other. */
  async pickLater(x: number, y: number, width: number, height: number): Promise<Hit | null> {
    const mine = this.waiting.then(async () => {
      await this.probe.ready(this.camera);
      this.draw(x, y, width, height);
      const ray = this.ray(x, y, width, height);
      const bytes = new Uint8Array(SIDE * SIDE * 4);
      const depths = new Uint8Array(SIDE * SIDE * 4);
      await Promise.all([
        this.renderer.readRenderTargetPixelsAsync(this.target, 0, 0, SIDE, SIDE, bytes, undefined, 0),
        this.renderer.readRenderTargetPixelsAsync(this.target, 0, 0, SIDE, SIDE, depths, undefined, 1),
      ]);
      this.bytes.set(bytes);
      this.depths.set(depths);
      return this.answer(ray);
    });
    this.waiting = mine.catch(() => null);
    return mine;
  }

  dispose(): void {
    this.target.dispose();
  }

  private ray(x: number, y: number, width: number, height: number): { origin: Vector3; through: (dx: number, dy: number) => Vector3 } {
    const matrix = this.camera.matrixWorld.clone();
    const inverse = this.camera.projectionMatrixInverse.clone();
    const origin = new Vector3().setFromMatrixPosition(matrix);
    const through = (dx: number, dy: number): Vector3 => {
      const nx = ((Math.floor(x) + 0.5 + dx) / width) * 2 - 1;
      const ny = 1 - ((Math.floor(y) + 0.5 + dy) / height) * 2;
      return new Vector3(nx, ny, 0.5).applyMatrix4(inverse).applyMatrix4(matrix).sub(origin).normalize();
    };
    return { origin, through };
  }

  private draw(x: number, y: number, width: number, height: number): void {
    const half = (SIDE - 1) / 2;
    const restore = this.prepare();
    this.camera.setViewOffset(width, height, Math.floor(x) - half, Math.floor(y) - half, SIDE, SIDE);
    this.probe.draw(this.camera, this.target);
    this.camera.clearViewOffset();
    restore();
  }

  /** The middle pixel; or, when it holds nothing with a handle, the nearest that does. */
  private answer(ray: { origin: Vector3; through: (dx: number, dy: number) => Vector3 }): Hit | null {
    const half = (SIDE - 1) / 2;
    const order = Array.from({ length: SIDE * SIDE }, (_, i) => ({ i, dx: (i % SIDE) - half, dy: half - Math.floor(i / SIDE) }));
    order.sort((a, b) => Math.hypot(a.dx, a.dy) - Math.hypot(b.dx, b.dy));
    const distances = new DataView(this.depths.buffer);
    const handles = new DataView(this.bytes.buffer);
    let found: Hit | null = null;
    for (const { i, dx, dy } of order) {
      const distance = distances.getFloat32(i * 4, true);
      if (!(distance > 0)) continue;
      const handle = handles.getUint32(i * 4, true) - 1;
      if (found && handle < 0) continue;
      found = { handle, distance, point: ray.origin.clone().addScaledVector(ray.through(dx, dy), distance) };
      if (handle >= 0) break;
    }
    return found;
  }
}
