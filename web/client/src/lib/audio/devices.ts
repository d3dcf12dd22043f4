// The sound devices of this computer, what the caller chose of them, and the permission to use a microphone.

export type DeviceKind = "microphone" | "speaker";

export interface SoundDevice {
  id: string;
  label: string;
}

/** Those that the browser names: none before the microphone was allowed; no speakers where a page cannot choose one. */
export async function soundDevices(kind: DeviceKind): Promise<SoundDevice[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const wanted = kind === "microphone" ? "audioinput" : "audiooutput";
  return devices
    .filter((device) => device.kind === wanted && device.deviceId !== "")
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

/** Calls back when a device comes or goes, until the returned function is called. */
export function onDevicesChanged(changed: () => void): () => void {
  // A page that is not served securely has no mediaDevices.
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  devices?.addEventListener("devicechange", changed);
  return () => devices?.removeEventListener("devicechange", changed);
}

/** Tells now and at each change whether the microphone is allowed; null where the browser does not say. */
export async function followPermission(tell: (state: PermissionState | null) => void): Promise<() => void> {
  let status: PermissionStatus;
  try {
    status = await navigator.permissions.query({ name: "microphone" });
  } catch {
    tell(null); // older Firefox does not know the name
    return () => undefined;
  }
  const changed = () => tell(status.state);
  status.addEventListener("change", changed);
  changed();
  return () => status.removeEventListener("change", changed);
}

/** The chosen device, for the next visit too; empty is the system's default. */
export class RememberedDevice {
  private readonly key: string;
  private id: string;

  constructor(kind: DeviceKind) {
    this.key = `firstword.${kind}`;
    this.id = this.stored();
  }

  get(): string {
    return this.id;
  }

  set(id: string): void {
    this.id = id;
    try {
      if (id === "") localStorage.removeItem(this.key);
      else localStorage.setItem(this.key, id);
    } catch {
      // Storage is blocked or full: remembered for this page then.
    }
  }

  private stored(): string {
    try {
      return localStorage.getItem(this.key) ?? "";
    } catch {
      return "";
    }
  }
}
