<#
.SYNOPSIS
Uploads the users of a CSV file and tells what became of each.

.DESCRIPTION
For Windows PowerShell 5.1 and PowerShell 7. The file has a header; externalId and
userName are wanted, and displayName, givenName, familyName, title, department,
manager (the externalId of the manager) and active are used if they are there. An
empty cell leaves the value as it is.

.EXAMPLE
$token = Read-Host -AsSecureString 'Token of the source'
.\upload.ps1 -Url https://scim.contoso.com -Token $token -Path people.csv | Format-Table
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [uri] $Url,
    [Parameter(Mandatory)] [securestring] $Token,
    [Parameter(Mandatory)] [string] $Path
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

$perUpload = 50
$user = 'urn:ietf:params:scim:schemas:core:2.0:User'
$enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
$root = $Url.AbsoluteUri.TrimEnd('/') + '/v1.0'
$headers = @{ Authorization = 'Bearer ' + (New-Object Net.NetworkCredential('', $Token)).Password }

function Get-Cell($Row, [string] $Name) {
    $cell = $Row.PSObject.Properties[$Name]
    if ($cell -and "$($cell.Value)".Trim() -ne '') { "$($cell.Value)".Trim() }
}

# Sends an upload, again where the server is busy: twice does no harm.
function Send-Upload([string] $Uri, [string] $Json) {
    for ($try = 1; ; $try++) {
        try {
            # As bytes: Windows PowerShell would send a text in the encoding of Windows.
            return Invoke-WebRequest -UseBasicParsing -Method Post -Uri $Uri -Headers $headers `
                -ContentType 'application/scim+json' -Body ([Text.Encoding]::UTF8.GetBytes($Json))
        }
        catch {
            $response = $_.Exception.Response
            if ($try -ge 10 -or $null -eq $response -or [int]$response.StatusCode -notin 429, 503) { throw }
            Start-Sleep -Seconds 5
        }
    }
}

function ConvertTo-ScimUser($Row) {
    $out = [ordered]@{ schemas = @($user, $enterprise) }
    foreach ($name in 'externalId', 'userName', 'displayName', 'title', 'active') {
        $value = Get-Cell $Row $name
        if ($null -ne $value) { $out[$name] = $value }
    }
    $parts = [ordered]@{}
    foreach ($name in 'givenName', 'familyName') {
        $value = Get-Cell $Row $name
        if ($null -ne $value) { $parts[$name] = $value }
    }
    if ($parts.Count) { $out['name'] = $parts }
    $work = [ordered]@{}
    $department = Get-Cell $Row 'department'
    if ($null -ne $department) { $work['department'] = $department }
    $manager = Get-Cell $Row 'manager'
    if ($null -ne $manager) { $work['manager'] = @{ value = $manager } }
    if ($work.Count) { $out[$enterprise] = $work }
    $out
}

$rows = @(Import-Csv -LiteralPath $Path -Encoding UTF8)
$source = (Invoke-RestMethod -Uri "$root/servicePrincipals" -Headers $headers).value[0].id
$jobs = "$root/servicePrincipals/$source/synchronization/jobs"
$job = "$jobs/" + (Invoke-RestMethod -Uri $jobs -Headers $headers).value[0].id

$logs = @()
for ($at = 0; $at -lt $rows.Count; $at += $perUpload) {
    $last = [Math]::Min($at + $perUpload, $rows.Count) - 1
    $operations = @(foreach ($i in $at..$last) {
            [ordered]@{ method = 'POST'; path = '/Users'; bulkId = "$i"; data = ConvertTo-ScimUser $rows[$i] }
        })
    $body = [ordered]@{ schemas = @('urn:ietf:params:scim:api:messages:2.0:BulkRequest'); Operations = $operations } | ConvertTo-Json -Depth 10
    $logs += @((Send-Upload "$job/bulkUpload" $body).Headers['Location'])[0]
    Write-Progress -Activity 'Uploading' -Status "$($last + 1) of $($rows.Count)" -PercentComplete (100 * ($last + 1) / $rows.Count)
}

while ((Invoke-RestMethod -Uri $job -Headers $headers).status.waitingRecords -gt 0) { Start-Sleep -Seconds 1 }

foreach ($log in $logs) {
    foreach ($entry in (Invoke-RestMethod -Uri ($log + '&$orderby=activityDateTime%20asc&$top=1000') -Headers $headers).value) {
        $problem = $entry.provisioningStatusInfo.errorInformation
        [pscustomobject]@{
            ExternalId = $entry.sourceIdentity.id
            Action     = $entry.provisioningAction
            Status     = $entry.provisioningStatusInfo.status
            Code       = if ($problem) { $problem.errorCode }
            Reason     = if ($problem) { $problem.reason }
        }
    }
}
