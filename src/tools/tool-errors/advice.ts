/** Next steps that several tools' failures share. */
export const CLOSE_OTHERS = 'Close what holds it: the Arduino IDE, a serial monitor, screen; thimble doctor names it.';
export const LIST_PORTS = 'thimble ports lists what is connected; many cables only charge and carry no data.';
export const JOIN_DIALOUT = 'sudo usermod -aG dialout $USER, then log out and in again.';
export const UDEV_RULE =
  'Let users open USB devices: thimble doctor prints the udev rule; then unplug the board and plug it in again.';
export const SMALLER_MODEL = [
  'Prune the model: --prune channels=0.5',
  'Choose a larger board: thimble boards',
] as const;
export const BUILD_AGAIN = 'Build it again: thimble build MODEL --board BOARD';
export const DOUBLE_RESET = 'Press the reset button twice quickly, which starts the boot loader, and flash again.';
export const ESP_BOOT = 'Hold BOOT, press and release RESET (EN), let go of BOOT, and flash again.';
