/**
 * Command lines over Debian's programs whose inner loops are written for Advanced SIMD: codecs, scalers, filters. They are
 * run on armhf only, in a root of their own, because they bring some two hundred packages along.
 */
import type { CommandLine } from "./debian-cases.ts";

export const MEDIA_PACKAGES = [
  "base-files",
  "busybox-static",
  "ffmpeg",
  "flac",
  "imagemagick",
  "lame",
  "libjpeg-turbo-progs",
  "opus-tools",
  "vorbis-tools",
  "webp",
  "x264",
] as const;

const env = { PATH: "/usr/bin:/bin", HOME: "/", MAGICK_THREAD_LIMIT: "1", OMP_NUM_THREADS: "1" };
/** Several programs, one after the other; what they leave behind is compared as well. */
const script = (name: string, ...commands: string[]): CommandLine => ({
  name,
  argv: ["bin/busybox", "sh", "-c", commands.join(" && ")],
  env,
  timeout: 300,
});

const QUIET = "ffmpeg -hide_banner -loglevel error -nostdin -threads 1 -filter_threads 1";
const PICTURES = "-f lavfi -i testsrc2=size=160x120:rate=5:duration=1";
const SOUND = "-f lavfi -i aevalsrc='sin(440*2*PI*t)+0.3*sin(1234*2*PI*t*t)':s=44100:d=0.5";
/** A checksum of each decoded frame on stdout. */
const frames = (file: string): string => `${QUIET} -i ${file} -bitexact -f framemd5 -`;
const ppm = `${QUIET} -f lavfi -i testsrc2=size=200x150:rate=1:duration=1 -frames:v 1 -bitexact in.ppm`;
const wav = `${QUIET} ${SOUND} -bitexact in.wav`;

export const MEDIA_LINES: readonly CommandLine[] = [
  script(
    "ffmpeg mpeg2, encoded and decoded",
    `${QUIET} ${PICTURES} -c:v mpeg2video -bitexact -threads 1 out.ts`,
    frames("out.ts"),
  ),
  script(
    "ffmpeg h264 by x264",
    `${QUIET} ${PICTURES} -c:v libx264 -preset fast -threads 1 -bitexact out.mp4`,
    frames("out.mp4"),
  ),
  script("ffmpeg vp8", `${QUIET} ${PICTURES} -c:v libvpx -threads 1 -bitexact out.webm`, frames("out.webm")),
  script(
    "ffmpeg scaling and colours",
    `${QUIET} ${PICTURES} -vf scale=213:97:flags=bicubic,format=rgb24,hue=h=40,format=yuv420p -bitexact -f framemd5 -`,
  ),
  script("ffmpeg aac", `${QUIET} ${SOUND} -c:a aac -bitexact out.m4a`, frames("out.m4a")),
  script("ffmpeg mp3", `${QUIET} ${SOUND} -c:a libmp3lame -bitexact out.mp3`, frames("out.mp3")),
  script("ffmpeg resampling", `${QUIET} ${SOUND} -af aresample=22050,volume=0.7,lowpass=3000 -bitexact -f framemd5 -`),
  script("ImageMagick resize", ppm, "convert in.ppm -resize 321x77 -depth 8 ppm:-"),
  script("ImageMagick filters", ppm, "convert in.ppm -blur 0x2 -rotate 17 -modulate 110,90,120 -depth 8 ppm:-"),
  script(
    "cjpeg, jpegtran and djpeg",
    ppm,
    "cjpeg -quality 80 -sample 2x2 -outfile out.jpg in.ppm",
    "jpegtran -rotate 90 -outfile turned.jpg out.jpg",
    "djpeg -scale 3/4 turned.jpg",
  ),
  script(
    "cjpeg -progressive, djpeg -dct",
    ppm,
    "cjpeg -progressive -dct float -outfile out.jpg in.ppm",
    "djpeg -dct fast out.jpg",
  ),
  script("cwebp and dwebp", ppm, "cwebp -quiet -q 70 in.ppm -o out.webp", "dwebp -quiet out.webp -ppm -o -"),
  script("cwebp -lossless", ppm, "cwebp -quiet -lossless in.ppm -o out.webp", "dwebp -quiet out.webp -pam -o -"),
  script(
    "opusenc and opusdec",
    wav,
    "opusenc --quiet --serial 1 in.wav out.opus",
    "opusdec --quiet --no-dither out.opus out.wav",
  ),
  script("oggenc and oggdec", wav, "oggenc -Q -s 1 in.wav -o out.ogg", "oggdec -Q -o out.wav out.ogg"),
  script("flac", wav, "flac -s -8 in.wav", "flac -s -d -o out.wav in.flac"),
  script("lame", wav, "lame --quiet in.wav out.mp3", "lame --quiet --decode out.mp3 out.wav"),
  script(
    "x264 from raw pictures",
    `${QUIET} ${PICTURES} -pix_fmt yuv420p -f rawvideo in.yuv`,
    "x264 --quiet --threads 1 --input-res 160x120 --fps 5 -o out.264 in.yuv",
  ),
];
