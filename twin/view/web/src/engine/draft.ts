/** Pictures of what is being drawn and edited: solids that stand in the city, and the outline that is not closed yet. */

import { BufferGeometry, Color, DoubleSide, EdgesGeometry, Float32BufferAttribute, Group, LineBasicMaterial, LineSegments, Matrix4, Mesh, MeshLambertMaterial, type PerspectiveCamera, Raycaster, ShapeUtils, Vector2, Vector3 } from "three";
import { keepSize, label, lineOf, marker, release } from "./drawing";
import type { DraftSolid, Sketch } from "./tool_api";

const COLOURS = { add: "#4a90e2", change: "#26a69a", remove: "#d0342c" };
const CHOSEN = "#ff7a1a";
const LINE = "#0b66e4";
const GUIDE = "#c2339b";
const WRONG = "#d0342c";
/** A fold that is sharper than this has a line, degrees. */
const FOLD_DEG = 20;
/** Of the labels of measurements: a footprint has many sides. */
const SMALLER = 0.8;

interface Body {
  solid: DraftSolid;
  mesh: Mesh<BufferGeometry, MeshLambertMaterial>;
  edges: LineSegments<BufferGeometry, LineBasicMaterial>;
}

/** Walls and roofs of a ring and its holes, from 0 to a height, relative to a pivot. */
export function prism(rings: [number, number][][], pivot: [number, number, number], tall_m: number): number[] {
  const flat = rings.map((ring) => ring.map(([x, y]) => new Vector2(x - pivot[0], y - pivot[1])));
  const [outer, ...holes] = flat as [Vector2[], ...Vector2[][]];
  const corners = flat.flat();
  const faces = ShapeUtils.triangulateShape(outer, holes).map(([a, b, c]) => [corners[a as number], corners[b as number], corners[c as number]] as [Vector2, Vector2, Vector2]);
  const upward = (face: Vector2[]): Vector2[] => (ShapeUtils.area(face) < 0 ? [...face].reverse() : face);
  const roof = faces.flatMap((face) => upward(face).flatMap((p) => [p.x, p.y, tall_m]));
  const floor = faces.flatMap((face) => upward(face).reverse().flatMap((p) => [p.x, p.y, 0]));
  const walls = flat.flatMap((ring, which) => {
    const along = ShapeUtils.area(ring) > 0 === (which === 0) ? ring : [...ring].reverse();
    return along.flatMap((a, i) => {
      const b = along[(i + 1) % along.length] as Vector2;
      return [a.x, a.y, 0, b.x, b.y, 0, b.x, b.y, tall_m, a.x, a.y, 0, b.x, b.y, tall_m, a.x, a.y, tall_m];
    });
  });
  return [...walls, ...roof, ...floor];
}

export class DraftPicture {
  readonly group = new Group();
  private readonly bodies = new Map<string, Body>();
  private readonly solids = new Group();
  private sketch: Group | null = null;

  constructor() {
    this.group.add(this.solids);
  }

  /** Shows exactly these solids; a shape that is the same as before only moves. */
  showSolids(solids: DraftSolid[]): void {
    for (const [key, body] of this.bodies) {
      const same = solids.find((solid) => solid.key === key);
      if (!same || same.rings !== body.solid.rings || same.mesh !== body.solid.mesh || same.tall_m !== body.solid.tall_m) this.drop(key);
    }
    for (const solid of solids) {
      const body = this.bodies.get(solid.key) ?? this.make(solid);
      body.solid = solid;
      body.mesh.matrix.fromArray(solid.matrix);
      body.mesh.updateMatrixWorld(true);
      body.mesh.material.color.set(COLOURS[solid.look]);
      body.mesh.material.opacity = solid.look === "remove" ? 0.28 : 0.92;
      body.mesh.material.depthWrite = solid.look !== "remove";
      body.mesh.castShadow = solid.look !== "remove";
      body.edges.material.color = new Color(solid.chosen ? CHOSEN : "#20405f");
    }
  }

  /** Shows the outline that is being drawn; null = none. */
  showSketch(sketch: Sketch | null, width: number, height: number): void {
    if (this.sketch) {
      this.sketch.removeFromParent();
      release(this.sketch);
    }
    this.sketch = null;
    if (!sketch) return;
    const group = new Group();
    const path = sketch.path.map((point) => new Vector3(...point));
    const colour = sketch.wrong ? WRONG : LINE;
    if (path.length > 1) group.add(lineOf(path, colour, width, height));
    if (sketch.closing && path.length > 2) {
      const closing = lineOf([path[path.length - 1] as Vector3, path[0] as Vector3], colour, width, height);
      closing.material.linewidth = 1.5;
      closing.material.opacity = 0.6;
      group.add(closing);
    }
    for (const point of path.slice(0, sketch.set)) group.add(...marker(point, colour));
    if (sketch.guide) {
      const guide = lineOf(sketch.guide.map((point) => new Vector3(...point)), GUIDE, width, height);
      guide.material.linewidth = 1.5;
      group.add(guide);
    }
    if (sketch.snap) group.add(...marker(new Vector3(...sketch.snap), GUIDE));
    for (const { at, text, hint } of sketch.labels) {
      const sprite = label(text, hint ? GUIDE : colour);
      sprite.position.set(...at);
      sprite.userData.pixels = (sprite.userData.pixels as number[]).map((pixels) => pixels * SMALLER);
      if (hint) sprite.center.set(0.5, 1.6);
      group.add(sprite);
    }
    this.sketch = group;
    this.group.add(group);
  }

  /** The solid that a ray meets first. */
  hit(raycaster: Raycaster): { key: string; distance: number } | null {
    const [found] = raycaster.intersectObjects(this.solids.children, false).filter(({ object }) => object instanceof Mesh);
    return found ? { key: String(found.object.userData.key), distance: found.distance } : null;
  }

  scale(camera: PerspectiveCamera, height: number): void {
    if (this.sketch) keepSize(this.sketch, camera, height);
  }

  dispose(): void {
    for (const key of [...this.bodies.keys()]) this.drop(key);
    this.showSketch(null, 1, 1);
  }

  private make(solid: DraftSolid): Body {
    const geometry = new BufferGeometry();
    if (solid.mesh) {
      geometry.setAttribute("position", new Float32BufferAttribute(solid.mesh.positions, 3));
      geometry.setIndex([...solid.mesh.triangles]);
    } else geometry.setAttribute("position", new Float32BufferAttribute(prism(solid.rings, solid.pivot, solid.tall_m), 3));
    const material = new MeshLambertMaterial({ flatShading: true, side: DoubleSide, transparent: true, polygonOffset: true, polygonOffsetFactor: -1, polygonOffsetUnits: -4 });
    const mesh = new Mesh(geometry, material);
    mesh.matrixAutoUpdate = false;
    mesh.receiveShadow = true;
    mesh.renderOrder = 3;
    mesh.userData.key = solid.key;
    const edges = new LineSegments(new EdgesGeometry(geometry, FOLD_DEG), new LineBasicMaterial({ toneMapped: false, fog: false }));
    edges.renderOrder = 6;
    edges.raycast = () => undefined;
    mesh.add(edges);
    this.solids.add(mesh);
    const body = { solid, mesh, edges };
    this.bodies.set(solid.key, body);
    return body;
  }

  private drop(key: string): void {
    const body = this.bodies.get(key);
    if (!body) return;
    this.bodies.delete(key);
    body.mesh.removeFromParent();
    for (const part of [body.mesh, body.edges]) {
      part.geometry.dispose();
      part.material.dispose();
    }
  }
}

/** A ray from the eye through a place of the picture, -1..1. */
export function rayThrough(camera: PerspectiveCamera, x: number, y: number): Raycaster {
  const raycaster = new Raycaster();
  raycaster.setFromCamera(new Vector2(x, y), camera);
  return raycaster;
}

/** Matrix of a solid that stays where its shape is. */
export function standingAt([x, y, z]: [number, number, number]): number[] {
  return new Matrix4().makeTranslation(x, y, z).toArray();
}
