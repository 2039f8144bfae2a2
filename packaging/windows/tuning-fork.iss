; The installer for Windows, made by Inno Setup 6: python packaging/windows/build.py
; Not verified here: nobody has run it yet.

#ifndef Version
  #error Start it with packaging/windows/build.py, which knows the version.
#endif

[Setup]
AppId={{7C2E6F7A-52C4-4C1B-9B0E-9D0B7C1B6E4F}
AppName=Tuning Fork
AppVersion={#Version}
AppPublisher=The Tuning Fork developers
DefaultDirName={autopf}\Tuning Fork
DefaultGroupName=Tuning Fork
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
LicenseFile=..\..\LICENSE
OutputDir=..\..\dist
OutputBaseFilename=tuning-fork-{#Version}-windows
SetupIconFile=..\..\build\tuning-fork.ico
UninstallDisplayIcon={app}\Tuning Fork.exe
Compression=lzma2
SolidCompression=yes
ChangesAssociations=yes
ChangesEnvironment=yes
WizardStyle=modern

[Tasks]
Name: desktop; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked
Name: path; Description: "Find “tuningfork” in every terminal"; Flags: unchecked

[Files]
Source: "..\..\dist\tuning-fork\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{group}\Tuning Fork"; Filename: "{app}\Tuning Fork.exe"
Name: "{autodesktop}\Tuning Fork"; Filename: "{app}\Tuning Fork.exe"; Tasks: desktop

[Registry]
; Windows knows a file by what follows the last dot only: a packed project is offered, as one of several, for .zip.
Root: HKA; Subkey: "Software\Classes\TuningFork.Package"; ValueType: string; ValueData: "Packed Tuning Fork project"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\TuningFork.Package\DefaultIcon"; ValueType: string; ValueData: "{app}\Tuning Fork.exe,0"
Root: HKA; Subkey: "Software\Classes\TuningFork.Package\shell\open\command"; ValueType: string; ValueData: """{app}\Tuning Fork.exe"" ""%1"""
Root: HKA; Subkey: "Software\Classes\.zip\OpenWithProgids"; ValueType: string; ValueName: "TuningFork.Package"; ValueData: ""; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.h5\OpenWithProgids"; ValueType: string; ValueName: "TuningFork.Package"; ValueData: ""; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.toml\OpenWithProgids"; ValueType: string; ValueName: "TuningFork.Package"; ValueData: ""; Flags: uninsdeletevalue
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Tasks: path; Check: IsNotOnPath

[Run]
Filename: "{app}\Tuning Fork.exe"; Description: "{cm:LaunchProgram,Tuning Fork}"; Flags: nowait postinstall skipifsilent

[Code]
function Path(): string;
begin
  if not RegQueryStringValue(HKCU, 'Environment', 'Path', Result) then
    Result := '';
end;

function IsNotOnPath(): Boolean;
begin
  Result := Pos(';' + Uppercase(ExpandConstant('{app}')) + ';', ';' + Uppercase(Path()) + ';') = 0;
end;

procedure CurUninstallStepChanged(Step: TUninstallStep);
var
  Before: string;
begin
  if Step <> usPostUninstall then
    Exit;
  Before := Path();
  StringChangeEx(Before, ';' + ExpandConstant('{app}'), '', True);
  if Before <> Path() then
    RegWriteExpandStringValue(HKCU, 'Environment', 'Path', Before);
end;
