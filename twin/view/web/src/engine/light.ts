/** Daylight: the sun by date and time, its shadows, the sky, and the haze; a light and a dark theme. */

import {
  BackSide,
  BoxGeometry,
  Color,
  DirectionalLight,
  FogExp2,
  HemisphereLight,
  MathUtils,
  Mesh,
  Object3D,
  type Scene,
  ShaderMaterial,
  SRGBColorSpace,
  Vector3,
  type WebGLRenderer,
} from "three";
import type { SceneManifest, Theme } from "./api";
import type { CityCamera } from "./camera";
import type { GroundDisc } from "./ground";
import type { Uniforms } from "./materials";
import { SKY_FRAGMENT, SKY_VERTEX } from "./shaders";
import { type SunPosition, sunPosition } from "./sun";

const RAD = Math.PI / 180;

interface Mood {
  zenith: Color;
  horizon: Color;
  ground: Color;
  line: Color;
  paper: Color;
  sky: Color;
  bounce: Color;
}

const mood = (zenith: string, horizon: string, ground: string, line: string, paper: string, sky: string, bounce: string): Mood => ({
  zenith: new Color(zenith),
  horizon: new Color(horizon),
  ground: new Color(ground),
  line: new Color(line),
  paper: new Color(paper),
  sky: new Color(sky),
  bounce: new Color(bounce),
});

const MOODS: Record<Theme, { day: Mood; dusk: Mood; night: Mood }> = {
  light: {
    day: mood("#86b6e6", "#e6eef5", "#e9eae7", "#b4bcc6", "#ffffff", "#e8f0fc", "#ece6da"),
    dusk: mood("#6d86b4", "#f3cfae", "#ddd6cf", "#b3aaa6", "#fff6ee", "#c3cdea", "#d8b89a"),
    night: mood("#101a30", "#2a3a58", "#39445a", "#4f5d78", "#8d9ab8", "#7488b8", "#2a3450"),
  },
  dark: {
    day: mood("#161e2b", "#303c4e", "#3b4554", "#56647a", "#a2abb9", "#d4dff0", "#77808f"),
    dusk: mood("#141926", "#4d3f42", "#363a46", "#54525e", "#9a9aa8", "#bfc4de", "#7a6862"),
    night: mood("#080d17", "#1b2536", "#222b3a", "#384459", "#66748f", "#7f90bb", "#313b50"),
  },
};

export class Daylight {
  readonly group = new Object3D();
  readonly fog = new FogExp2(0xffffff, 1e-5);
  private readonly sunLight = new DirectionalLight(0xffffff, 2);
  private readonly skyLight = new HemisphereLight(0xffffff, 0xffffff, 1.5);
  private readonly sky: Mesh<BoxGeometry, ShaderMaterial>;
  private readonly direction = new Vector3(0, 0, 1);
  private place = { longitude: 0, latitude: 0, convergence: 0 };
  private time = Date.now();
  private theme: Theme = "light";
  private shadows = true;
  private position: SunPosition = { azimuth_deg: 180, elevation_deg: 45 };
  private fitted = { x: Number.NaN, y: 0, z: 0, radius: 0 };
  private night = 0;

  constructor(
    private readonly scene: Scene,
    private readonly renderer: WebGLRenderer,
    private readonly ground: GroundDisc,
    shadowSize: number,
  ) {
    const uniforms = {
      uZenith: { value: new Vector3() },
      uHorizon: { value: new Vector3() },
      uGlow: { value: new Vector3() },
      uSunDirection: { value: new Vector3() },
    };
    const material = new ShaderMaterial({ vertexShader: SKY_VERTEX, fragmentShader: SKY_FRAGMENT, uniforms, side: BackSide, depthWrite: false, toneMapped: false, fog: false });
    this.sky = new Mesh(new BoxGeometry(2, 2, 2), material);
    this.sky.frustumCulled = false;
    this.sky.renderOrder = 3;
    this.sunLight.castShadow = true;
    this.sunLight.shadow.mapSize.set(shadowSize, shadowSize);
    this.sunLight.shadow.radius = 2.2;
    this.group.add(this.sunLight, this.sunLight.target, this.skyLight, this.sky);
    scene.fog = this.fog;
  }

  load(manifest: SceneManifest): void {
    const { longitude, latitude, convergence_deg } = manifest.origin;
    this.place = { longitude, latitude, convergence: convergence_deg };
  }

  sun(): SunPosition {
    return this.position;
  }

  get shadowsOn(): boolean {
    return this.shadows;
  }

  /** Whether the next frame has shadows. */
  get casting(): boolean {
    return this.sunLight.castShadow;
  }

  setTime(iso: string, uniforms: Uniforms | null): void {
    const time = Date.parse(iso);
    if (!Number.isFinite(time)) throw new Error(`${iso} is not an instant; write it as 2026-03-01T08:00:00Z`);
    this.time = time;
    this.apply(uniforms);
  }

  setTheme(theme: Theme, uniforms: Uniforms | null): void {
    this.theme = theme;
    this.apply(uniforms);
  }

  setShadows(on: boolean): void {
    this.shadows = on;
    this.sunLight.castShadow = on && this.sunLight.intensity > 0.05;
    this.renderer.shadowMap.needsUpdate = true;
  }

  /** Put the shadow map where the view needs it; it is drawn again only when that moved. */
  follow(view: CityCamera, reach: number): void {
    this.fog.density = 0.85 / (view.distance * 2.2 + reach * 2.5 + 3000);
    this.sky.position.copy(view.position);
    if (!this.sunLight.castShadow) return;
    const target = view.target();
    const wanted = MathUtils.clamp(view.distance * 0.95, 40, reach * 1.25);
    const radius = 2 ** (Math.ceil(Math.log2(wanted) * 2) / 2);
    const middle = target.addScaledVector(view.forward().setZ(0), radius * 0.25);
    const moved = Math.hypot(middle.x - this.fitted.x, middle.y - this.fitted.y, middle.z - this.fitted.z);
    if (radius === this.fitted.radius && moved < radius * 0.12) return;
    this.fitted = { x: middle.x, y: middle.y, z: middle.z, radius };
    this.placeShadow();
  }

  private placeShadow(): void {
    const { x, y, z, radius } = this.fitted;
    if (!Number.isFinite(x)) return;
    const { sunLight } = this;
    const { camera, mapSize } = sunLight.shadow;
    const away = radius * 2 + 1500;
    sunLight.target.position.set(x, y, z);
    sunLight.position.set(x, y, z).addScaledVector(this.direction, away);
    camera.left = camera.bottom = -radius;
    camera.right = camera.top = radius;
    camera.near = 1;
    camera.far = away * 2;
    camera.updateProjectionMatrix();
    sunLight.shadow.normalBias = Math.min(1.2, (radius * 2.2) / mapSize.x);
    sunLight.shadow.bias = -0.0004;
    sunLight.target.updateMatrixWorld();
    sunLight.updateMatrixWorld();
    this.renderer.shadowMap.needsUpdate = true;
  }

  /** Everything that follows from time, place and theme. */
  private apply(uniforms: Uniforms | null): void {
    this.position = sunPosition(this.time, this.place.longitude, this.place.latitude);
    const { azimuth_deg, elevation_deg } = this.position;
    const azimuth = (azimuth_deg - this.place.convergence) * RAD;
    const towards = (elevation: number): Vector3 =>
      new Vector3(Math.sin(azimuth) * Math.cos(elevation), Math.cos(azimuth) * Math.cos(elevation), Math.sin(elevation));
    const day = MathUtils.smoothstep(elevation_deg, -1, 16);
    this.night = 1 - MathUtils.smoothstep(elevation_deg, -9, 2);
    const moods = MOODS[this.theme];
    const blend = (key: keyof Mood): Color =>
      moods.night[key].clone().lerp(moods.dusk[key].clone().lerp(moods.day[key], day), 1 - this.night);
    // Below the horizon the moon stands where the sun was highest last, so that shapes stay legible.
    const sunny = elevation_deg > -0.8;
    this.direction.copy(sunny ? towards(Math.max(elevation_deg, 3) * RAD) : new Vector3(-0.45, -0.35, 0.82).normalize());
    const strength = sunny ? MathUtils.smoothstep(elevation_deg, -0.8, 12) : 0;
    this.sunLight.color.set("#ffb070").lerp(new Color("#fff4e4"), MathUtils.smoothstep(elevation_deg, 0, 26));
    if (!sunny) this.sunLight.color.set("#93a9da");
    this.sunLight.intensity = sunny ? 0.25 + 2.0 * strength : 0.9;
    this.skyLight.color.copy(blend("sky"));
    this.skyLight.groundColor.copy(blend("bounce"));
    this.skyLight.position.set(0, 0, 1);
    this.skyLight.intensity = MathUtils.lerp(2.15, 3.4, this.night);
    this.sunLight.castShadow = this.shadows;
    this.paint(blend, towards(elevation_deg * RAD), uniforms, sunny ? strength : 0);
    this.placeShadow();
    this.renderer.shadowMap.needsUpdate = true;
  }

  private paint(blend: (key: keyof Mood) => Color, sun: Vector3, uniforms: Uniforms | null, strength: number): void {
    const display = (colour: Color, into: Vector3): void => {
      const { r, g, b } = colour.getRGB({ r: 0, g: 0, b: 0 }, SRGBColorSpace);
      into.set(r, g, b);
    };
    const sky = this.sky.material.uniforms;
    display(blend("zenith"), sky.uZenith.value);
    display(blend("horizon"), sky.uHorizon.value);
    const warmth = new Color("#ffd9a8").multiplyScalar(0.35 + 0.4 * strength);
    sky.uGlow.value.set(warmth.r, warmth.g, warmth.b).multiplyScalar(this.theme === "dark" ? 0.25 : 0.8 * (1 - this.night));
    sky.uSunDirection.value.copy(sun);
    this.fog.color.copy(blend("horizon"));
    this.ground.setColours(blend("ground"), blend("line"));
    this.scene.background = null;
    if (!uniforms) return;
    uniforms.uNight.value = this.night;
    uniforms.uPaper.value.copy(blend("paper"));
    uniforms.uSky.value.copy(blend("horizon"));
    uniforms.uSunDirection.value.copy(this.direction);
  }

  dispose(): void {
    this.sunLight.dispose();
    this.sky.geometry.dispose();
    this.sky.material.dispose();
  }
}
