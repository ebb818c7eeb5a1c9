/** Shaders of things that move. The way between two reports is that of `placeAt`. */

import { VEHICLE_KINDS } from "./picture_api";
import { BODY_CORNERS } from "./vehicle_shapes";

export const VEHICLE_VERTEX = /* glsl */ `
#define BODY ${BODY_CORNERS}
#define PLAIN_PX 16.0
attribute vec4 aFrom;
attribute vec4 aTo;
attribute vec3 aTime;
attribute vec4 aLook;
uniform float uNow;
uniform float uPixel;
uniform float uLeast;
uniform float uLargest;
uniform float uByCode;
uniform float uLengths[ ${VEHICLE_KINDS.length} ];
uniform highp sampler2D uShapes;
uniform sampler2D uPalette;
uniform sampler2D uKinds;
varying vec3 vPlace;
varying vec3 vColour;
varying float vPaint;
varying float vAway;
flat varying float vMark;
void main() {
	float begun = uNow - aTime.x;
	float share = max( 0.0, begun / aTime.y );
	if ( share > 1.0 ) share = 1.0 + ( aTime.z > 0.0 ? aTime.z * ( 1.0 - exp( - ( begun - aTime.y ) / aTime.z ) ) / aTime.y : 0.0 );
	vec3 middle = aFrom.xyz + ( aTo.xyz - aFrom.xyz ) * share;
	float heading = radians( aFrom.w + aTo.w * min( share, 1.0 ) );
	int kind = int( aLook.x + 0.5 );
	float away = distance( middle, cameraPosition );
	float scale = clamp( uLeast * uPixel * away / uLengths[ kind ], 1.0, uLargest );
	// From afar the first body says it all.
	if ( gl_VertexID >= BODY && uLengths[ kind ] * scale < PLAIN_PX * uPixel * away ) {
		gl_Position = vec4( 2.0, 2.0, 2.0, 1.0 );
		return;
	}
	vec4 corner = texelFetch( uShapes, ivec2( gl_VertexID, kind ), 0 );
	if ( aLook.z > 0.5 ) scale *= 1.25;
	float c = cos( heading ), s = sin( heading );
	vec3 local = vec3( corner.x * c + corner.y * s, - corner.x * s + corner.y * c, corner.z ) * scale;
	vec4 place = vec4( middle + local, 1.0 );
	vPlace = place.xyz;
	vPaint = corner.w;
	vMark = aLook.z;
	int code = int( aLook.y + 0.5 );
	vColour = uByCode > 0.5 && code > 0 ? texelFetch( uPalette, ivec2( code, 0 ), 0 ).rgb : texelFetch( uKinds, ivec2( kind, 0 ), 0 ).rgb;
	vAway = away;
	gl_Position = projectionMatrix * ( viewMatrix * place );
}
`;

export const VEHICLE_FRAGMENT = /* glsl */ `
uniform vec3 uSun;
uniform float uNight;
uniform vec3 uHaze;
uniform float uHazeDensity;
varying vec3 vPlace;
varying vec3 vColour;
varying float vPaint;
varying float vAway;
flat varying float vMark;
void main() {
	vec3 normal = normalize( cross( dFdx( vPlace ), dFdy( vPlace ) ) );
	float light = 0.62 + 0.22 * normal.z + 0.3 * max( dot( normal, uSun ), 0.0 );
	light *= mix( 1.0, 0.72, uNight );
	vec3 colour = vPaint < 0.5 ? vColour : ( vPaint < 1.5 ? mix( vColour, vec3( 0.02, 0.03, 0.05 ), 0.8 ) : mix( vColour, vec3( 0.85 ), 0.75 ) );
	if ( vMark > 0.5 ) colour = mix( colour, vec3( 1.0, 0.72, 0.05 ), vPaint < 0.5 ? 0.95 : 0.45 );
	colour = sqrt( clamp( colour * light, 0.0, 1.0 ) );
	float haze = 1.0 - exp( - uHazeDensity * uHazeDensity * vAway * vAway );
	gl_FragColor = vec4( mix( colour, sqrt( uHaze ), haze ), 1.0 );
}
`;
