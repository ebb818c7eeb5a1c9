/** Pieces of GLSL that every material of the city shares. */

/** Zooms of a base map that are at hand at once. */
export const MAP_LAYERS = 6;

/** A base map at a place: from the finest layer that suits the size of a pixel there, or the next that has it. */
const MAP_LOOK = /* glsl */ `
uniform highp sampler2DArray uMap;
uniform vec4 uMapPlaces[ ${MAP_LAYERS} ];
uniform vec2 uMapOffsets[ ${MAP_LAYERS} ];
uniform vec3 uMapLook;
vec4 cityMap( vec2 at ) {
	vec2 across = dFdx( at );
	vec2 along = dFdy( at );
	float a = length( across );
	float b = length( along );
	float texel = max( min( a, b ), 0.4 * max( a, b ) );
	float level = floor( log2( max( texel / uMapLook.z, 1.0 ) ) + 0.4 );
	vec4 seen = vec4( 0.0 );
	for ( int i = 0; i < ${MAP_LAYERS}; i ++ ) {
		if ( float( i ) < level && i < ${MAP_LAYERS} - 1 ) continue;
		vec4 place = uMapPlaces[ i ];
		vec2 part = ( at - place.xy ) * place.z;
		if ( place.z == 0.0 || any( lessThan( part, vec2( 0.001 ) ) ) || any( greaterThan( part, vec2( 0.999 ) ) ) ) continue;
		seen += ( 1.0 - seen.a ) * textureLod( uMap, vec3( part + uMapOffsets[ i ], place.w ), 0.0 );
		if ( seen.a > 0.99 ) break;
	}
	return seen;
}
`;

/** Before main of a vertex shader: the object's code and flags, read once a vertex; its paint, where one is seen. */
export const VERTEX_HEAD = /* glsl */ `
attribute float _feature_id_0;
uniform sampler2D uFlags;
uniform float uIsolate;
#ifdef CITY_PAINT
uniform sampler2D uCodes;
uniform sampler2D uPalette;
uniform float uTinted;
uniform float uWash;
uniform vec3 uBase;
uniform vec3 uPaper;
uniform vec3 uAccent;
varying vec4 vPaint;
flat varying vec3 vGlow;
flat varying vec2 vObject;
#ifdef CITY_IMAGE
// What is mixed into the image, which only the fragment knows: overlay, then grey and accent.
flat varying vec4 vTint;
flat varying vec2 vMark;
#endif
#if defined( CITY_WINDOWS ) || defined( CITY_WATER ) || defined( CITY_DRAPE )
varying vec3 vWorld;
#endif
#ifdef CITY_FOOT
attribute float aRise;
// Metres above the foot, closeness to it (1 to 0), size of a pixel in storeys.
varying vec3 vFacade;
uniform float fogDensity;
uniform float uPixel;
#endif
#endif
`;

/** After begin_vertex: flags for all, and the paint: paper, overlay, selection. All of it is linear in the colour. */
export const VERTEX_STATE = /* glsl */ `
int cityHandle = int( _feature_id_0 + ( _feature_id_0 < 0.0 ? -0.5 : 0.5 ) );
ivec2 cityAt = ivec2( cityHandle & 4095, cityHandle >> 12 );
int cityFlags = cityHandle >= 0 ? int( texelFetch( uFlags, cityAt, 0 ).r * 255.0 + 0.5 ) : 0;
#ifdef CITY_PAINT
int cityCode = cityHandle >= 0 ? int( texelFetch( uCodes, cityAt, 0 ).r * 255.0 + 0.5 ) : 0;
vec4 cityTint = cityCode > 0 ? texelFetch( uPalette, ivec2( cityCode, 0 ), 0 ) : vec4( 0.0 );
uint citySeed = uint( cityHandle + 1 ) * 747796405u + 2891336453u;
citySeed = ( ( citySeed >> ( ( citySeed >> 28u ) + 4u ) ) ^ citySeed ) * 277803737u;
float cityShade = float( citySeed >> 16u ) / 65535.0;
float citySelected = ( cityFlags & 2 ) != 0 ? 1.0 : 0.0;
float cityHovered = ( cityFlags & 8 ) != 0 ? 1.0 - citySelected : 0.0;
cityTint.a *= uTinted;
vPaint = vec4( uBase, 1.0 );
#if defined( USE_COLOR_ALPHA )
vPaint *= vColor;
#elif defined( USE_COLOR )
vPaint.rgb *= vColor;
#endif
#ifdef CITY_IMAGE
vPaint.rgb *= uPaper;
#else
vPaint.rgb = mix( vPaint.rgb, vec3( 0.93, 0.925, 0.91 ), uWash ) * uPaper;
#endif
#ifdef CITY_FOOT
vPaint.rgb *= 0.95 + 0.09 * cityShade;
#endif
float cityPale = cityCode == 0 && cityHandle >= 0 ? 0.75 * uTinted : 0.0;
float cityMark = 0.85 * citySelected + 0.28 * cityHovered;
#ifdef CITY_IMAGE
vTint = cityTint;
vMark = vec2( cityPale, cityMark );
#else
float cityGrey = dot( vPaint.rgb, vec3( 0.2126, 0.7152, 0.0722 ) );
vPaint.rgb = mix( vPaint.rgb, vec3( cityGrey ), cityPale );
vPaint.rgb = mix( vPaint.rgb, cityTint.rgb, cityTint.a );
vPaint.rgb = mix( vPaint.rgb, uAccent, cityMark );
#endif
vGlow = cityTint.rgb * cityTint.a * 0.22 + uAccent * ( 0.30 * citySelected + 0.05 * cityHovered );
vObject = vec2( cityShade, 1.0 - max( cityTint.a, citySelected ) );
#if defined( CITY_WINDOWS ) || defined( CITY_WATER ) || defined( CITY_DRAPE )
vec4 cityWorld = vec4( transformed, 1.0 );
#ifdef USE_INSTANCING
cityWorld = instanceMatrix * cityWorld;
#endif
vWorld = ( modelMatrix * cityWorld ).xyz;
#endif
#endif
`;

/** After project_vertex: hidden objects, and those that belong to the other pass, leave the picture. */
export const VERTEX_GONE = /* glsl */ `
bool cityGone = ( cityFlags & 1 ) != 0;
bool cityGhost = ( cityFlags & 16 ) != 0 || ( uIsolate > 0.5 && ( cityFlags & 4 ) == 0 );
#ifdef CITY_GHOST
cityGone = cityGone || ! cityGhost;
#elif ! defined( CITY_COVER )
cityGone = cityGone || cityGhost;
#endif
if ( cityGone ) gl_Position = vec4( 2.0, 2.0, 2.0, 1.0 );
`;

/** In place of fog_vertex on buildings, whose triangles are small: the haze of a vertex instead of its depth, and more. */
export const VERTEX_HAZE = /* glsl */ `
vFacade = vec3( aRise, sqrt( 8.0 / ( 8.0 + max( aRise, 0.0 ) ) ), uPixel * - mvPosition.z / 3.4 );
#ifdef USE_FOG
vFogDepth = 1.0 - exp( - fogDensity * fogDensity * mvPosition.z * mvPosition.z );
#endif
`;

export const FRAGMENT_HAZE = /* glsl */ `
#ifdef USE_FOG
gl_FragColor.rgb = mix( gl_FragColor.rgb, fogColor, vFogDepth );
#endif
`;

export const FRAGMENT_HEAD = /* glsl */ `
uniform float uNight;
uniform float uCut;
uniform vec3 uCutColour;
uniform vec3 uSky;
uniform vec3 uSunDirection;
varying vec4 vPaint;
flat varying vec3 vGlow;
flat varying vec2 vObject;
#ifdef CITY_IMAGE
uniform vec3 uAccent;
flat varying vec4 vTint;
flat varying vec2 vMark;
#endif
#if defined( CITY_WINDOWS ) || defined( CITY_WATER ) || defined( CITY_DRAPE )
varying vec3 vWorld;
#endif
#ifdef CITY_FOOT
varying vec3 vFacade;
#endif
#ifdef CITY_DRAPE
uniform vec3 uPaper;
${MAP_LOOK}
#endif
float cityHash( vec2 p ) {
	vec3 q = fract( vec3( p.xyx ) * 0.1031 );
	q += dot( q, q.yzx + 33.33 );
	return fract( ( q.x + q.y ) * q.z );
}
`;

/** In place of color_fragment; of an image, `diffuseColor` is its texel by now. */
export const FRAGMENT_COLOUR = /* glsl */ `
#ifdef CITY_DRAPE
vec4 cityDraped = vec4( 0.0 );
if ( uMapLook.x > 0.0 ) cityDraped = cityMap( vWorld.xy ) * uMapLook.x;
#ifdef CITY_OVER
cityDraped *= uMapLook.y;
#endif
cityDraped.rgb *= uPaper;
#endif
#ifdef CITY_IMAGE
vec3 cityPaint = diffuseColor.rgb * vPaint.rgb;
#ifdef CITY_DRAPE
cityPaint = cityPaint * ( 1.0 - cityDraped.a ) + cityDraped.rgb;
#endif
cityPaint = mix( cityPaint, vec3( dot( cityPaint, vec3( 0.2126, 0.7152, 0.0722 ) ) ), vMark.x );
cityPaint = mix( cityPaint, vTint.rgb, vTint.a );
cityPaint = mix( cityPaint, uAccent, vMark.y );
#ifdef CITY_HOLES
if ( diffuseColor.a < 0.5 * opacity ) discard;
diffuseColor.a = opacity;
#endif
diffuseColor = vec4( cityPaint, diffuseColor.a * vPaint.a );
#else
diffuseColor = vec4( vPaint.rgb, opacity * vPaint.a );
#ifdef CITY_DRAPE
cityDraped *= vObject.y;
diffuseColor.rgb = diffuseColor.rgb * ( 1.0 - cityDraped.a ) + cityDraped.rgb;
#endif
#endif
`;

/** After normal_fragment_begin, lit materials only: feet grow darker, storeys and windows give scale. */
export const FRAGMENT_FACADE = /* glsl */ `
totalEmissiveRadiance += vGlow;
#ifdef CITY_FOOT
float cityUp = dot( normal, viewMatrix[ 2 ].xyz );
float cityWall = clamp( ( 0.6 - abs( cityUp ) ) * 2.9, 0.0, 1.0 );
diffuseColor.rgb *= 1.0 - cityWall * vFacade.y * vFacade.y * vec3( 0.36, 0.34, 0.28 );
#ifdef CITY_WINDOWS
if ( cityWall > 0.01 && ( vFacade.z < 0.36 || uNight > 0.0 ) ) {
	// A wall that is seen aslant has wider pixels.
	float cityAway = length( vViewPosition );
	float cityTexel = vFacade.z * cityAway / max( abs( dot( normal, vViewPosition ) ), 0.05 * cityAway );
	float citySharp = 1.0 - smoothstep( 0.14, 0.36, cityTexel );
	vec3 cityNormal = ( vec4( normal, 0.0 ) * viewMatrix ).xyz;
	vec2 cityAcross = normalize( vec2( - cityNormal.y, cityNormal.x ) + 1e-5 );
	vec2 cityCell = vec2( dot( vWorld.xy, cityAcross ) / 3.4, vFacade.x / 3.5 );
	vec2 cityPart = fract( cityCell );
	vec2 cityPane = smoothstep( vec2( 0.16, 0.26 ) - cityTexel, vec2( 0.16, 0.26 ) + cityTexel, cityPart )
		* ( 1.0 - smoothstep( vec2( 0.84, 0.80 ) - cityTexel, vec2( 0.84, 0.80 ) + cityTexel, cityPart ) );
	float cityWindow = mix( 0.36, cityPane.x * cityPane.y, citySharp ) * cityWall;
	diffuseColor.rgb *= 1.0 - vec3( 0.16, 0.12, 0.08 ) * ( cityWindow * citySharp * mix( 0.35, 1.0, vObject.y ) );
	float cityLit = step( 0.62, cityHash( floor( cityCell ) + floor( vObject.x * 900.0 ) ) );
	float cityShine = mix( 0.14, cityLit, citySharp ) * cityWindow;
	vec3 cityWarm = mix( vec3( 1.0, 0.62, 0.26 ), vec3( 1.0, 0.80, 0.55 ), vObject.x );
	totalEmissiveRadiance += cityWarm * cityShine * uNight * 0.75 * ( 0.35 + 0.65 * vObject.y );
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
#ifdef CITY_DRAPE
cityFresnel *= 1.0 - cityDraped.a;
#endif
vec3 cityMirror = reflect( - cityEye, cityWater );
float cityGlint = pow( max( dot( cityMirror, uSunDirection ), 0.0 ), 220.0 );
diffuseColor.rgb = mix( diffuseColor.rgb, uSky * 0.9, cityFresnel );
totalEmissiveRadiance += vec3( 1.0, 0.95, 0.85 ) * cityGlint * 1.6 * ( 1.0 - uNight );
#endif
`;

/** In place of three's loops over lights: one sun with its shadow, one sky. */
export const FRAGMENT_LIGHT = /* glsl */ `
HemisphereLight citySky = hemisphereLights[ 0 ];
vec3 cityLight = mix( citySky.groundColor, citySky.skyColor, 0.5 + 0.5 * dot( normal, citySky.direction ) );
float cityFacing = dot( normal, directionalLights[ 0 ].direction );
if ( cityFacing > 0.0 ) {
	#if defined( USE_SHADOWMAP ) && NUM_DIR_LIGHT_SHADOWS > 0
	if ( receiveShadow ) {
		DirectionalLightShadow cityShadow = directionalLightShadows[ 0 ];
		cityFacing *= getShadow( directionalShadowMap[ 0 ], cityShadow.shadowMapSize, cityShadow.shadowIntensity,
			cityShadow.shadowBias, cityShadow.shadowRadius, vDirectionalShadowCoord[ 0 ] );
	}
	#endif
	cityLight += directionalLights[ 0 ].color * cityFacing;
}
reflectedLight.directDiffuse = diffuseColor.rgb * cityLight * RECIPROCAL_PI;
`;

/** In place of colorspace_fragment: sRGB by one square root, within 0.012 of the exact curve above 1 % and much cheaper. */
export const FRAGMENT_SRGB = /* glsl */ `
gl_FragColor.rgb = 1.13 * sqrt( max( gl_FragColor.rgb, 0.0 ) ) - 0.13 * gl_FragColor.rgb;
`;

/** At the end of main: the inside of what a section plane opens is painted flat, so that the cut reads as solid. */
export const FRAGMENT_CUT = /* glsl */ `
#if NUM_CLIPPING_PLANES > 0
if ( uCut > 0.5 && ! gl_FrontFacing ) {
	float cityHatch = step( 0.5, fract( ( gl_FragCoord.x + gl_FragCoord.y ) / 9.0 ) );
	gl_FragColor = vec4( uCutColour * ( 0.90 + 0.10 * cityHatch ), 1.0 );
}
#endif
`;

/** Picking: handle + 1 in the first target, the distance's bits in the second. */
export const PICK_VERTEX = /* glsl */ `
attribute float _classification;
uniform sampler2D uClasses;
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
	if ( texelFetch( uClasses, ivec2( int( _classification + 0.5 ), 0 ), 0 ).a < 0.5 ) gl_Position = vec4( 2.0, 2.0, 2.0, 1.0 );
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
	#ifdef CITY_FLAT
	outDistance = bytes( floatBitsToUint( - vEye.z ) );
	#else
	outDistance = bytes( floatBitsToUint( length( vEye ) ) );
	#endif
}
`;

/** Counting walls for the caps of cuts. */
export const COUNT_VERTEX = /* glsl */ `
#include <common>
#include <clipping_planes_pars_vertex>
${VERTEX_HEAD}
void main() {
	#include <begin_vertex>
	${VERTEX_STATE}
	#include <project_vertex>
	#include <clipping_planes_vertex>
	${VERTEX_GONE}
}
`;

export const COUNT_FRAGMENT = /* glsl */ `
#include <common>
#include <clipping_planes_pars_fragment>
void main() {
	vec4 diffuseColor = vec4( 1.0 );
	#include <clipping_planes_fragment>
	gl_FragColor = diffuseColor;
}
`;

export const CAP_VERTEX = /* glsl */ `
#include <common>
#include <clipping_planes_pars_vertex>
void main() {
	#include <begin_vertex>
	#include <project_vertex>
	#include <clipping_planes_vertex>
}
`;

/** The face of a cut: the colour of sections, hatched. */
export const CAP_FRAGMENT = /* glsl */ `
uniform vec3 uCutColour;
uniform float uNight;
#include <common>
#include <clipping_planes_pars_fragment>
void main() {
	vec4 diffuseColor = vec4( 1.0 );
	#include <clipping_planes_fragment>
	float cityHatch = step( 0.5, fract( ( gl_FragCoord.x + gl_FragCoord.y ) / 9.0 ) );
	gl_FragColor = vec4( uCutColour * ( 0.90 + 0.10 * cityHatch ) * ( 1.0 - 0.35 * uNight ), 1.0 );
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
	vec3 colour = mix( uHorizon, uZenith, 1.22 * up / ( up + 0.22 ) );
	float towards = dot( d, uSunDirection );
	if ( towards > 0.3 && d.z > -0.15 ) {
		float wide = towards * towards * towards;
		colour += uGlow * ( 0.30 * wide * wide + 0.45 * pow( towards, 90.0 ) ) * smoothstep( -0.15, 0.05, d.z );
	}
	float noise = fract( 52.9829189 * fract( dot( gl_FragCoord.xy, vec2( 0.06711056, 0.00583715 ) ) ) );
	gl_FragColor = vec4( colour + ( noise - 0.5 ) / 255.0, 1.0 );
}
`;

export const GROUND_VERTEX = /* glsl */ `
varying vec3 vWorld;
`;

export const GROUND_PLACE = /* glsl */ `
#include <project_vertex>
vWorld = ( modelMatrix * vec4( transformed, 1.0 ) ).xyz;
`;

/** A fine grid that fades with distance, on the wide ground where a city has no terrain of its own. */
export const GROUND_HEAD = /* glsl */ `
varying vec3 vWorld;
uniform vec3 uPaper;
${MAP_LOOK}
uniform vec3 uLine;
uniform vec3 uMiddle;
uniform float uReach;
float cityGrid( vec2 at, vec2 width ) {
	vec2 line = abs( fract( at - 0.5 ) - 0.5 ) / max( width, 1e-5 );
	float fade = 1.0 - smoothstep( 0.05, 0.35, max( width.x, width.y ) );
	return max( 1.0 - min( line.x, line.y ), 0.0 ) * fade;
}
`;

export const GROUND_COLOUR = /* glsl */ `
#include <color_fragment>
float cityAway = length( vWorld.xy - uMiddle.xy ) / uReach;
vec2 cityWidth = fwidth( vWorld.xy );
if ( cityAway < 2.4 ) {
	float cityLine = 0.42 * cityGrid( vWorld.xy / 500.0, cityWidth / 500.0 ) + 0.24 * cityGrid( vWorld.xy / 100.0, cityWidth / 100.0 );
	diffuseColor.rgb = mix( diffuseColor.rgb, uLine, cityLine * ( 1.0 - smoothstep( 0.6, 2.4, cityAway ) ) );
}
if ( uMapLook.x > 0.0 ) {
	vec4 cityDraped = cityMap( vWorld.xy ) * uMapLook.x;
	diffuseColor.rgb = diffuseColor.rgb * ( 1.0 - cityDraped.a ) + cityDraped.rgb * uPaper;
}
`;

/** The ground melts into the horizon with distance from the city. */
export const GROUND_HAZE = /* glsl */ `
#include <fog_fragment>
gl_FragColor.rgb = mix( gl_FragColor.rgb, fogColor, smoothstep( 1.1, 5.5, cityAway ) );
`;
