/** Point clouds: size by distance, colour by what the points are, classes that can be hidden. */

import { DataTexture, NearestFilter, type Object3D, type PointsMaterial, RGBAFormat, ShaderMaterial, SRGBColorSpace, UnsignedByteType, Vector2, type IUniform } from "three";
import type { CloudSpec, PointLook, PointMode } from "./api";

/** Numbers of the modes in the shader. */
const MODES: Record<PointMode, number> = { rgb: 0, classes: 1, height: 2, intensity: 3 };

/** Points of a cloud may lie this much of the usual error apart on the screen: gaps between points show, those of walls do not. */
export const CLOUD_ERROR = 1 / 3;

/** Widest point, pixels of the page. */
const WIDEST = 24;

const VERTEX_HEAD = /* glsl */ `
attribute float _classification;
attribute float _intensity;
uniform sampler2D uClasses;
uniform sampler2D uRamp;
uniform int uMode;
uniform vec3 uSize;
uniform vec2 uHeights;
uniform vec2 uIntensities;
uniform float uRatio;
uniform float uPixel;
varying float vWidth;
`;

/** The colour that the chosen mode gives; brighter and darker by intensity, so that surfaces keep their texture. */
const VERTEX_COLOUR = /* glsl */ `
#include <color_vertex>
vec4 cityClass = texelFetch( uClasses, ivec2( int( _classification + 0.5 ), 0 ), 0 );
float cityShine = clamp( ( _intensity - uIntensities.x ) / max( uIntensities.y - uIntensities.x, 1.0 ), 0.0, 1.0 );
#if defined( USE_COLOR ) || defined( USE_COLOR_ALPHA )
if ( uMode == 1 ) vColor.rgb = cityClass.rgb;
if ( uMode == 2 ) {
	float cityUpward = ( modelMatrix * vec4( position, 1.0 ) ).z;
	vColor.rgb = texture2D( uRamp, vec2( clamp( ( cityUpward - uHeights.x ) / max( uHeights.y - uHeights.x, 0.001 ), 0.002, 0.998 ), 0.5 ) ).rgb;
}
if ( ( uMode == 1 || uMode == 2 ) && uIntensities.y > uIntensities.x ) vColor.rgb *= 0.62 + 0.5 * cityShine;
if ( uMode == 3 ) vColor.rgb = vec3( pow( 0.12 + 0.88 * cityShine, 2.2 ) );
#endif
`;

/** As wide as the points lie apart, at least some pixels; points of hidden classes leave the picture. */
const VERTEX_SIZE = /* glsl */ `
vWidth = clamp( uSize.x / ( uPixel * max( - mvPosition.z, 0.001 ) ), uSize.y, uSize.z ) * uRatio;
gl_PointSize = vWidth;
if ( cityClass.a < 0.5 ) gl_Position = vec4( 2.0, 2.0, 2.0, 1.0 );
#include <logdepthbuf_vertex>
`;

/** Round, where a point is wide enough to tell. */
const FRAGMENT_ROUND = /* glsl */ `
#include <clipping_planes_fragment>
vec2 cityFromMiddle = gl_PointCoord - 0.5;
if ( vWidth > 2.5 && dot( cityFromMiddle, cityFromMiddle ) > 0.25 ) discard;
`;

const FRAGMENT_NIGHT = /* glsl */ `
diffuseColor.rgb *= 1.0 - 0.72 * uNight;
#include <alphatest_fragment>
`;

/** The look of the points of one layer. */
export class CloudLook {
  private readonly classes: DataTexture;
  private readonly ramp: DataTexture;
  private readonly uniforms: Record<string, IUniform>;
  private readonly leastPixels: number;

  constructor(
    private readonly spec: CloudSpec,
    /** Pixels on the screen by which points may lie apart before finer tiles come. */
    errorTarget: number,
    pixel: IUniform,
  ) {
    this.leastPixels = errorTarget / Math.sqrt(3) + 0.7;
    this.classes = textureOf(classColours(spec));
    this.ramp = textureOf(rampColours(spec.stops));
    this.uniforms = {
      uClasses: { value: this.classes },
      uRamp: { value: this.ramp },
      uMode: { value: 0 },
      uSize: { value: [0, errorTarget, WIDEST] },
      uHeights: { value: new Vector2(...spec.height) },
      uIntensities: { value: new Vector2(...(spec.intensity ?? [0, 0])) },
      uRatio: { value: 1 },
      uPixel: pixel,
    };
    this.set({ mode: spec.mode, size: 1, hidden: spec.classes.filter((each) => each.hidden).map((each) => each.code) });
  }

  set(look: PointLook): void {
    this.uniforms.uMode.value = MODES[look.mode];
    this.uniforms.uSize.value = [this.spec.spacing_m * 1.25 * look.size, this.leastPixels * Math.max(0.4, Math.min(look.size, 3)), WIDEST];
    const bytes = this.classes.image.data as Uint8Array;
    for (let code = 0; code < 256; code++) bytes[code * 4 + 3] = 255;
    for (const code of look.hidden) bytes[code * 4 + 3] = 0;
    this.classes.needsUpdate = true;
  }

  /** Add the look to a material that already knows the state of objects. */
  dress(material: PointsMaterial): PointsMaterial {
    const before = material.onBeforeCompile.bind(material);
    const key = material.customProgramCacheKey();
    material.onBeforeCompile = (shader, renderer) => {
      before(shader, renderer);
      Object.assign(shader.uniforms, this.uniforms);
      shader.vertexShader = VERTEX_HEAD + shader.vertexShader.replace("#include <color_vertex>", VERTEX_COLOUR).replace("#include <logdepthbuf_vertex>", VERTEX_SIZE);
      shader.fragmentShader = `varying float vWidth;\n${shader.fragmentShader.replace("#include <clipping_planes_fragment>", FRAGMENT_ROUND).replace("#include <alphatest_fragment>", FRAGMENT_NIGHT)}`;
    };
    material.customProgramCacheKey = () => `${key} cloud`;
    return material;
  }

  /** Before each drawing of a tile: pixels of this screen; and for a pick, which classes are hidden. */
  prepare(object: Object3D): void {
    object.onBeforeRender = (renderer, _scene, _camera, _geometry, material) => {
      this.uniforms.uRatio.value = renderer.getPixelRatio();
      setPicked(material as ShaderMaterial, this.classes);
    };
    object.onAfterRender = (_renderer, _scene, _camera, _geometry, material) => setPicked(material as ShaderMaterial, NOTHING_HIDDEN);
  }

  dispose(): void {
    this.classes.dispose();
    this.ramp.dispose();
  }
}

/** In place of the classes of a cloud, for everything else that can be picked. */
export const NOTHING_HIDDEN = textureOf(new Uint8Array(1024).fill(255));

function setPicked(material: ShaderMaterial, classes: DataTexture): void {
  if (!(material instanceof ShaderMaterial) || !material.uniforms.uClasses) return;
  material.uniforms.uClasses.value = classes;
  material.uniformsNeedUpdate = true;
}

function classColours(spec: CloudSpec): Uint8Array {
  const bytes = new Uint8Array(1024).fill(255);
  for (let code = 0; code < 256; code++) bytes.set([176, 180, 186], code * 4);
  for (const { code, colour } of spec.classes) bytes.set(rgbOf(colour), code * 4);
  return bytes;
}

function rampColours(stops: [number, string][]): Uint8Array {
  const bytes = new Uint8Array(1024).fill(255);
  for (let i = 0; i < 256; i++) {
    const share = i / 255;
    const after = Math.max(1, stops.findIndex(([place]) => place >= share));
    const [[from, a], [to, b]] = [stops[after - 1], stops[after]];
    const way = Math.min(1, Math.max(0, (share - from) / Math.max(to - from, 1e-6)));
    const [one, other] = [rgbOf(a), rgbOf(b)];
    bytes.set(one.map((value, channel) => value + way * (other[channel] - value)), i * 4);
  }
  return bytes;
}

function rgbOf(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) || 0);
}

function textureOf(bytes: Uint8Array): DataTexture {
  const texture = new DataTexture(bytes as Uint8Array<ArrayBuffer>, 256, 1, RGBAFormat, UnsignedByteType);
  texture.colorSpace = SRGBColorSpace;
  texture.minFilter = texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}
