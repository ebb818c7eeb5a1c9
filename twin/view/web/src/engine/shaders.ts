/** Pieces of GLSL that every material of the city shares. */

/** Before main of a vertex shader: the object's code and flags, read once a vertex. */
export const VERTEX_HEAD = /* glsl */ `
attribute float _feature_id_0;
#ifdef CITY_FOOT
attribute float aRise;
varying float vRise;
#endif
uniform sampler2D uCodes;
uniform sampler2D uFlags;
uniform sampler2D uPalette;
uniform float uIsolate;
uniform float uTinted;
flat varying vec4 vTint;
flat varying vec4 vMark;
varying vec3 vWorld;
`;

/** After begin_vertex: what the fragment needs to know of the object. */
export const VERTEX_STATE = /* glsl */ `
int cityHandle = int( _feature_id_0 + ( _feature_id_0 < 0.0 ? -0.5 : 0.5 ) );
int cityFlags = 0;
int cityCode = 0;
if ( cityHandle >= 0 ) {
	ivec2 cityAt = ivec2( cityHandle & 4095, cityHandle >> 12 );
	cityFlags = int( texelFetch( uFlags, cityAt, 0 ).r * 255.0 + 0.5 );
	cityCode = int( texelFetch( uCodes, cityAt, 0 ).r * 255.0 + 0.5 );
}
vTint = cityCode > 0 ? texelFetch( uPalette, ivec2( cityCode, 0 ), 0 ) : vec4( 0.0 );
uint citySeed = uint( cityHandle + 1 ) * 747796405u + 2891336453u;
citySeed = ( ( citySeed >> ( ( citySeed >> 28u ) + 4u ) ) ^ citySeed ) * 277803737u;
vMark = vec4(
	( cityFlags & 2 ) != 0 ? 1.0 : 0.0,
	( cityFlags & 8 ) != 0 ? 1.0 : 0.0,
	cityCode == 0 && cityHandle >= 0 ? 1.0 : 0.0,
	float( citySeed >> 16u ) / 65535.0
);
#ifdef CITY_FOOT
vRise = aRise;
#endif
vec4 cityWorld = vec4( transformed, 1.0 );
#ifdef USE_INSTANCING
cityWorld = instanceMatrix * cityWorld;
#endif
vWorld = ( modelMatrix * cityWorld ).xyz;
`;

/** After project_vertex: hidden objects, and those that belong to the other pass, leave the picture. */
export const VERTEX_GONE = /* glsl */ `
bool cityGone = ( cityFlags & 1 ) != 0;
#ifdef CITY_GHOST
cityGone = cityGone || uIsolate < 0.5 || ( cityFlags & 4 ) != 0;
#elif ! defined( CITY_COVER )
cityGone = cityGone || ( uIsolate > 0.5 && ( cityFlags & 4 ) == 0 );
#endif
if ( cityGone ) gl_Position = vec4( 2.0, 2.0, 2.0, 1.0 );
`;

export const FRAGMENT_HEAD = /* glsl */ `
uniform float uTinted;
uniform float uNight;
uniform vec3 uPaper;
uniform float uWash;
uniform vec3 uAccent;
uniform float uCut;
uniform vec3 uCutColour;
uniform vec3 uSky;
uniform vec3 uSunDirection;
flat varying vec4 vTint;
flat varying vec4 vMark;
varying vec3 vWorld;
#ifdef CITY_FOOT
varying float vRise;
#endif
float cityHash( vec2 p ) {
	vec3 q = fract( vec3( p.xyx ) * 0.1031 );
	q += dot( q, q.yzx + 33.33 );
	return fract( ( q.x + q.y ) * q.z );
}
`;

/** After color_fragment: overlay, selection and the theme's paper. */
export const FRAGMENT_COLOUR = /* glsl */ `
diffuseColor.rgb = mix( diffuseColor.rgb, vec3( 0.93, 0.925, 0.91 ), uWash ) * uPaper;
#ifdef CITY_FOOT
diffuseColor.rgb *= 0.95 + 0.09 * vMark.w;
#endif
float cityTint = vTint.a * uTinted;
float cityGrey = dot( diffuseColor.rgb, vec3( 0.2126, 0.7152, 0.0722 ) );
diffuseColor.rgb = mix( diffuseColor.rgb, vec3( cityGrey ), 0.75 * uTinted * vMark.z );
diffuseColor.rgb = mix( diffuseColor.rgb, vTint.rgb, cityTint );
diffuseColor.rgb = mix( diffuseColor.rgb, uAccent, 0.85 * vMark.x );
diffuseColor.rgb = mix( diffuseColor.rgb, uAccent, 0.28 * vMark.y * ( 1.0 - vMark.x ) );
`;

/** After normal_fragment_begin, lit materials only: feet grow darker, storeys and windows give scale. */
export const FRAGMENT_FACADE = /* glsl */ `
vec3 cityNormal = inverseTransformDirection( normal, viewMatrix );
vec3 cityGlow = vec3( 0.0 );
#ifdef CITY_FOOT
float cityWall = 1.0 - smoothstep( 0.25, 0.6, abs( cityNormal.z ) );
float cityFoot = 1.0 - exp( -max( vRise, 0.0 ) / 16.0 );
diffuseColor.rgb *= mix( vec3( 1.0 ), mix( vec3( 0.66, 0.68, 0.74 ), vec3( 1.0 ), cityFoot ), cityWall );
#ifdef CITY_WINDOWS
vec2 cityAcross = normalize( vec2( - cityNormal.y, cityNormal.x ) + 1e-5 );
vec2 cityCell = vec2( dot( vWorld.xy, cityAcross ) / 3.4, vRise / 3.5 );
vec2 cityWidth = max( fwidth( cityCell ), 1e-4 );
float citySharp = 1.0 - smoothstep( 0.14, 0.42, max( cityWidth.x, cityWidth.y ) );
if ( cityWall > 0.01 && ( citySharp > 0.0 || uNight > 0.0 ) ) {
	vec2 cityPart = fract( cityCell );
	vec2 cityPane = smoothstep( vec2( 0.16, 0.26 ) - cityWidth, vec2( 0.16, 0.26 ) + cityWidth, cityPart )
		* ( 1.0 - smoothstep( vec2( 0.84, 0.80 ) - cityWidth, vec2( 0.84, 0.80 ) + cityWidth, cityPart ) );
	float cityWindow = mix( 0.36, cityPane.x * cityPane.y, citySharp ) * cityWall;
	float cityFree = 1.0 - max( cityTint, vMark.x );
	diffuseColor.rgb *= mix( vec3( 1.0 ), vec3( 0.84, 0.88, 0.92 ), cityWindow * citySharp * mix( 0.35, 1.0, cityFree ) );
	float cityLit = step( 0.62, cityHash( floor( cityCell ) + floor( vMark.w * 900.0 ) ) );
	float cityShine = mix( 0.14, cityLit, citySharp ) * cityWindow;
	vec3 cityWarm = mix( vec3( 1.0, 0.62, 0.26 ), vec3( 1.0, 0.80, 0.55 ), vMark.w );
	cityGlow += cityWarm * cityShine * uNight * 0.75 * ( 0.35 + 0.65 * cityFree );
}
#endif
#endif
#ifdef CITY_WATER
vec2 cityWave = vWorld.xy * 0.11;
float cityFade = 1.0 / ( 1.0 + 14.0 * length( fwidth( cityWave ) ) );
vec2 citySlope = cityFade * 0.028 * vec2(
	sin( cityWave.x * 1.7 + cityWave.y * 0.9 ) + 0.7 * sin( cityWave.x * 4.3 - cityWave.y * 3.1 + 1.3 ),
	cos( cityWave.y * 1.9 - cityWave.x * 0.6 ) + 0.7 * sin( cityWave.y * 5.1 + cityWave.x * 2.3 )
);
vec3 cityWater = normalize( vec3( citySlope, 1.0 ) );
normal = normalize( ( viewMatrix * vec4( cityWater, 0.0 ) ).xyz );
vec3 cityEye = normalize( cameraPosition - vWorld );
float cityFresnel = 0.04 + 0.72 * pow( 1.0 - max( dot( cityWater, cityEye ), 0.0 ), 4.0 );
vec3 cityMirror = reflect( - cityEye, cityWater );
float cityGlint = pow( max( dot( cityMirror, uSunDirection ), 0.0 ), 220.0 );
diffuseColor.rgb = mix( diffuseColor.rgb, uSky * 0.9, cityFresnel );
cityGlow += vec3( 1.0, 0.95, 0.85 ) * cityGlint * 1.6 * ( 1.0 - uNight );
#endif
totalEmissiveRadiance += cityGlow + vTint.rgb * cityTint * 0.22 + uAccent * ( 0.30 * vMark.x + 0.05 * vMark.y );
`;

/** At the end of main: the inside of what a section plane opens is painted flat, so that the cut reads as solid. */
export const FRAGMENT_CUT = /* glsl */ `
if ( uCut > 0.5 && ! gl_FrontFacing ) {
	float cityHatch = step( 0.5, fract( ( gl_FragCoord.x + gl_FragCoord.y ) / 9.0 ) );
	gl_FragColor = vec4( uCutColour * ( 0.90 + 0.10 * cityHatch ), 1.0 );
}
`;

/** Picking: handle + 1 in the first target, the distance's bits in the second. */
export const PICK_VERTEX = /* glsl */ `
#include <common>
#include <clipping_planes_pars_vertex>
${VERTEX_HEAD}
flat varying int vHandle;
varying vec3 vEye;
uniform float uPointSize;
void main() {
	#include <begin_vertex>
	${VERTEX_STATE}
	#include <project_vertex>
	#include <clipping_planes_vertex>
	gl_PointSize = uPointSize;
	vEye = mvPosition.xyz;
	vHandle = cityHandle + 1;
	${VERTEX_GONE}
}
`;

export const PICK_FRAGMENT = /* glsl */ `
#include <common>
#include <clipping_planes_pars_fragment>
layout( location = 0 ) out vec4 outHandle;
layout( location = 1 ) out vec4 outDistance;
flat varying int vHandle;
varying vec3 vEye;
vec4 bytes( uint bits ) {
	return vec4( bits & 255u, ( bits >> 8u ) & 255u, ( bits >> 16u ) & 255u, bits >> 24u ) / 255.0;
}
void main() {
	vec4 diffuseColor = vec4( 1.0 );
	#include <clipping_planes_fragment>
	outHandle = bytes( uint( max( vHandle, 0 ) ) );
	outDistance = bytes( floatBitsToUint( length( vEye ) ) );
}
`;

export const SKY_VERTEX = /* glsl */ `
varying vec3 vDirection;
void main() {
	vDirection = position;
	vec4 place = projectionMatrix * vec4( mat3( viewMatrix ) * position, 1.0 );
	gl_Position = place.xyww;
}
`;

/** Colours are already in the display's space: the haze of far things meets the horizon without a seam. */
export const SKY_FRAGMENT = /* glsl */ `
uniform vec3 uZenith;
uniform vec3 uHorizon;
uniform vec3 uGlow;
uniform vec3 uSunDirection;
varying vec3 vDirection;
void main() {
	vec3 d = normalize( vDirection );
	float up = max( d.z, 0.0 );
	vec3 colour = mix( uHorizon, uZenith, 1.0 - exp( - 3.2 * up ) );
	float towards = max( dot( d, uSunDirection ), 0.0 );
	colour += uGlow * ( 0.30 * pow( towards, 6.0 ) + 0.45 * pow( towards, 90.0 ) ) * smoothstep( -0.15, 0.05, d.z );
	float noise = fract( sin( dot( gl_FragCoord.xy, vec2( 12.9898, 78.233 ) ) ) * 43758.5453 );
	gl_FragColor = vec4( colour + ( noise - 0.5 ) / 255.0, 1.0 );
}
`;

export const GROUND_VERTEX = /* glsl */ `
varying vec3 vWorld;
`;

/** A fine grid that fades with distance, on the wide ground where a city has no terrain of its own. */
export const GROUND_FRAGMENT = /* glsl */ `
float cityGrid( vec2 at ) {
	vec2 width = fwidth( at );
	vec2 line = abs( fract( at - 0.5 ) - 0.5 ) / max( width, 1e-5 );
	float fade = 1.0 - smoothstep( 0.05, 0.35, max( width.x, width.y ) );
	return ( 1.0 - min( min( line.x, line.y ), 1.0 ) ) * fade;
}
`;
